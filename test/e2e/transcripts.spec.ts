import type { WebwireModuleOptions } from 'nestjs-webwire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RawClient } from '../support/raw-client.js';
import { TestApp } from '../support/test-app.js';
import { ContractGateway } from './transcripts/contract.gateway.js';
import { readRecording, recordingNames } from './transcripts/recording.js';
import { expectNothingMore, replay } from './transcripts/replay.js';

const CONVERSATIONS = [
  'client-disconnect',
  'concurrent',
  'crash',
  'echo-binary',
  'echo-utf16',
  'echo-utf8',
  'empty',
  'fail',
  'handshake-default',
  'handshake-options',
  'name-only',
  'signal-me',
  'signals',
];

/** Close code and reason where the reference just drops the TCP connection. */
const VIOLATIONS: [recording: string, code: number, reason: string][] = [
  ['malformed-close-session-trailing', 1002, 'TRAILING_BYTES'],
  ['malformed-empty-frame', 1002, 'EMPTY_MESSAGE'],
  ['malformed-heartbeat-trailing', 1002, 'TRAILING_BYTES'],
  ['malformed-lying-name-length', 1002, 'LENGTH_MISMATCH'],
  ['malformed-no-id', 1002, 'TRUNCATED'],
  ['malformed-oversized', 1009, 'MESSAGE_TOO_LARGE'],
  ['malformed-oversized-64k', 1009, 'MESSAGE_TOO_LARGE'],
  ['malformed-restore-without-key', 1002, 'TRUNCATED'],
  ['malformed-server-type-error-malformed', 1002, 'EMPTY_FIELD'],
  ['malformed-short-request', 1002, 'TRUNCATED'],
  ['malformed-short-signal', 1002, 'TRUNCATED'],
  ['malformed-text-frame', 1003, 'TEXT_FRAME'],
  ['malformed-unaligned-utf16', 1002, 'ODD_UTF16_LENGTH'],
  ['malformed-unknown-type', 1002, 'UNKNOWN_TYPE'],
];

/** Recordings of what the library cannot do yet. */
const NOT_YET = {
  sessions: [
    'auth',
    'close-session',
    'close-session-none',
    'logout',
    'max-sessions',
    'restore-second',
    'restore-unknown',
    'session-files',
    'sessions-disabled',
  ],
  concurrencyLimit: ['sequential'],
  liveness: ['heartbeat', 'read-timeout'],
  draining: ['shutdown'],
  close: ['client-reconnect', 'close-while-slow'],
};

const OPTIONS: Record<string, WebwireModuleOptions> = {
  'handshake-options': { subProtocolName: 'chat-v1', readTimeout: 5_000, messageBufferSize: 4_096 },
};

async function startContract(recording: string): Promise<TestApp> {
  // A test that fails leaves requests behind that nobody answers any more.
  const options = { shutdownTimeout: 500, ...OPTIONS[recording] };
  const app = await TestApp.start({ providers: [ContractGateway] }, options);
  onTestFinished(() => app.close());
  return app;
}

it('claims every recording, once', () => {
  const violations = VIOLATIONS.map(([recording]) => recording);
  const claimed = [...CONVERSATIONS, ...violations, ...Object.values(NOT_YET).flat()];
  expect(claimed.sort()).toEqual(recordingNames());
});

describe('a recorded conversation goes the same way again', () => {
  it.each(CONVERSATIONS)('%s', async (name) => {
    const recording = readRecording(name);
    const app = await startContract(name);
    // In `handshake-options` one client ends with a message that is larger than the buffer.
    await replay(recording, app, { code: 1009, reason: 'MESSAGE_TOO_LARGE' });

    const answers = recording.connections.flatMap(({ steps }) => steps.filter(({ dir }) => dir === 's2c'));
    expect(app.logger.at('error')).toHaveLength(answers.filter(({ hex }) => hex?.startsWith('02')).length);
    expect(app.logger.at('warn')).toHaveLength(answers.filter(({ close }) => close !== undefined).length);
  });
});

describe('a recorded violation ends its connection, and no other', () => {
  it.each(VIOLATIONS)('%s: %i %s', async (name, code, reason) => {
    const app = await startContract(name);
    const bystander = await RawClient.connect(app.url());
    await bystander.messages.take();

    await replay(readRecording(name), app, { code, reason });

    await expectNothingMore(bystander);
    expect(app.logger.at('warn')).toEqual([expect.stringContaining(reason)]);
    expect(app.logger.at('error')).toEqual([]);
  });
});
