import { MemorySessionManager, type WebwireModuleOptions } from 'nestjs-webwire';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RawClient } from '../support/raw-client.js';
import { refusal } from '../support/refusal.js';
import { TestApp } from '../support/test-app.js';
import { ContractGateway } from './transcripts/contract.gateway.js';
import { readRecording, recordingNames, type Recording, type Step } from './transcripts/recording.js';
import { expectNothingMore, replay, untilReceived, type Ending } from './transcripts/replay.js';

const CONVERSATIONS = [
  'auth',
  'client-disconnect',
  'client-reconnect',
  'close-session',
  'close-session-none',
  'close-while-slow',
  'concurrent',
  'crash',
  'echo-binary',
  'echo-utf16',
  'echo-utf8',
  'empty',
  'fail',
  'handshake-default',
  'handshake-options',
  'logout',
  'max-sessions',
  'name-only',
  'restore-second',
  'restore-unknown',
  'sequential',
  'sessions-disabled',
  'signal-me',
  'signals',
];

/** Conversations that need further actions, which have tests of their own. */
const WITH_EVENTS = ['session-files', 'shutdown'];

/** Conversations that depend on time. */
const TIMED = ['heartbeat', 'read-timeout'];

/** Close code and reason of violations. The reference only ends the TCP connection. */
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

const OPTIONS: Record<string, WebwireModuleOptions> = {
  'handshake-options': { subProtocolName: 'chat-v1', readTimeout: 5_000, messageBufferSize: 4_096 },
  'max-sessions': { sessions: { manager: new MemorySessionManager(), maxConnections: 2 } },
  // The default of the reference.
  sequential: { concurrencyLimit: 1 },
  'sessions-disabled': { sessions: false },
};

const SERVER_CLOSE: Ending = { code: 1000, reason: '', cause: 'server-close' };

const ENDINGS: Record<string, Ending> = {
  'client-reconnect': SERVER_CLOSE,
  'close-while-slow': SERVER_CLOSE,
  // One client ends with a message that is larger than the buffer.
  'handshake-options': { code: 1009, reason: 'MESSAGE_TOO_LARGE', cause: 'violation' },
};

/** Read timeout of the recordings `heartbeat` and `read-timeout`, in ms. */
const READ_TIMEOUT = 1_000;

/** The server may detect a silence up to an eighth of the read timeout later than the reference, but not earlier. */
function delayEnds({ about, connections }: Recording): Recording {
  const late = (step: Step) =>
    step.dir === 's2c' && step.close ? { ...step, t_ms: step.t_ms + READ_TIMEOUT / 8 } : step;
  return { about, connections: connections.map(({ client, steps }) => ({ client, steps: steps.map(late) })) };
}

/** Permissions of a directory and a file in it; Windows has none. */
const OWNER_ONLY = process.platform === 'win32' ? expect.anything() : [0o700, 0o600];

async function startContract(options: WebwireModuleOptions = {}): Promise<TestApp> {
  const defaults: WebwireModuleOptions = {
    sessions: { manager: new MemorySessionManager() },
    // Limits the shutdown if a test fails with unanswered requests.
    shutdownTimeout: 500,
  };
  const app = await TestApp.start({ providers: [ContractGateway] }, { ...defaults, ...options });
  onTestFinished(() => app.close());
  return app;
}

async function connectBystander(app: TestApp): Promise<RawClient> {
  const bystander = await RawClient.connect(app.url());
  await bystander.messages.take();
  return bystander;
}

function answersOf({ connections }: Recording) {
  return connections.flatMap(({ steps }) => steps.filter(({ dir }) => dir === 's2c'));
}

it('claims every recording, once', () => {
  const violations = VIOLATIONS.map(([recording]) => recording);
  const claimed = [...CONVERSATIONS, ...WITH_EVENTS, ...TIMED, ...violations];
  expect(claimed.sort()).toEqual(recordingNames());
});

describe('a recorded conversation goes the same way again', () => {
  it.each(CONVERSATIONS)('%s', async (name) => {
    const recording = readRecording(name);
    const app = await startContract(OPTIONS[name]);
    const ending = ENDINGS[name];
    await replay(recording, app, { ending, isInOrder: name === 'sequential' });

    const answers = answersOf(recording);
    const cuts = ending?.cause === 'violation' ? answers.filter(({ close }) => close !== undefined) : [];
    expect(app.logger.at('error')).toHaveLength(answers.filter(({ hex }) => hex?.startsWith('02')).length);
    expect(app.logger.at('warn')).toHaveLength(cuts.length);
  });

  it('session-files: a file exists from the creation of the session to its end', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'webwire-transcripts-'));
    onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
    const directory = join(parent, 'sessions');
    const app = await startContract({ sessions: { directory } });
    const steps = { created: 4, restored: 7, closedOnOne: 9, closedOnBoth: 11 };
    const contents: Record<number, { c: string; l: string; i: unknown }> = {};

    await replay(readRecording('session-files'), app, {
      after: (n, [key]) => {
        if (n < steps.created) return;
        const files = n < steps.closedOnBoth ? [`${key}.wwrsess`] : [];
        expect(readdirSync(directory)).toEqual(files);
        for (const file of files) {
          const path = join(directory, file);
          expect([directory, path].map((owned) => statSync(owned).mode & 0o777)).toEqual(OWNER_ONLY);
          contents[n] = JSON.parse(readFileSync(path, 'utf8')) as (typeof contents)[number];
        }
      },
    });

    const { created, restored, closedOnOne } = steps;
    expect(Object.keys(contents[created]!)).toEqual(['c', 'l', 'i']);
    expect(contents[created]).toMatchObject({ l: contents[created]!.c, i: { user: 'secret', level: 7 } });
    expect(contents[restored]).toEqual({ ...contents[created], l: expect.any(String) });
    expect(Date.parse(contents[restored]!.l)).toBeGreaterThanOrEqual(Date.parse(contents[created]!.l));
    expect(contents[closedOnOne]).toEqual(contents[restored]);
    expect(app.logger.at('error')).toEqual([]);
  });

  it('shutdown: begins while a request is in flight', async () => {
    const app = await startContract({ shutdownTimeout: undefined });
    const bystander = await connectBystander(app);
    const slowSent = 7;
    let shutdown: Promise<void> | undefined;

    await replay(readRecording('shutdown'), app, {
      ending: { code: 1001, reason: 'server shutting down after all replies', cause: 'shutdown' },
      after: async (n) => {
        if (n !== slowSent) return;
        await untilReceived(bystander);
        shutdown = app.get(ContractGateway).server.shutdown();
        expect(await refusal(app.url())).toBe('503 server shutting down');
      },
    });

    await shutdown;
    expect([...app.logger.at('warn'), ...app.logger.at('error')]).toEqual([]);
  });
});

describe('a recorded conversation takes as long again, by the clock of the server', () => {
  it.each(TIMED)('%s', async (name) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const app = await startContract({ readTimeout: READ_TIMEOUT });
    const recording = readRecording(name);

    await replay(delayEnds(recording), app, {
      ending: { code: 1001, reason: 'read timeout', cause: 'read-timeout' },
      elapse: (ms) => vi.advanceTimersByTime(ms),
    });

    expect([...app.logger.at('warn'), ...app.logger.at('error')]).toEqual([]);
  });
});

describe('a recorded violation ends its connection, and no other', () => {
  it.each(VIOLATIONS)('%s: %i %s', async (name, code, reason) => {
    const app = await startContract();
    const bystander = await connectBystander(app);

    await replay(readRecording(name), app, { ending: { code, reason, cause: 'violation' } });

    await expectNothingMore(bystander);
    expect(app.logger.at('warn')).toEqual([expect.stringContaining(reason)]);
    expect(app.logger.at('error')).toEqual([]);
  });
});
