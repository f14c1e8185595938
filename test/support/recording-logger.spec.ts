import { describe, expect, it } from 'vitest';
import { RecordingLogger } from './test-app.js';

describe('the recording logger', () => {
  it('finds a line that was logged before', async () => {
    const logger = new RecordingLogger();
    logger.warn('one', 'two');
    expect(await logger.logged('warn', 'two')).toBe('one two');
  });

  it('wakes all that wait, each for its own line', async () => {
    const logger = new RecordingLogger();
    const both = Promise.all([logger.logged('warn', 'a'), logger.logged('warn', 'b'), logger.logged('error', 'a')]);
    logger.warn('a');
    logger.warn('b');
    logger.error('a!');
    expect(await both).toEqual(['a', 'b', 'a!']);
  });

  it('wakes two that wait for one line', async () => {
    const logger = new RecordingLogger();
    const both = Promise.all([logger.logged('log', 'a'), logger.logged('log', 'a')]);
    logger.log('a');
    expect(await both).toEqual(['a', 'a']);
  });

  it('fails with the lines there are when the expected one does not come', async () => {
    const logger = new RecordingLogger();
    logger.warn('something else');
    await expect(logger.logged('warn', 'expected', 1)).rejects.toThrow(
      'no warn with "expected" within 1 ms, but: warn: something else',
    );
  });
});
