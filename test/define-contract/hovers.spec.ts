import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FILE = fileURLToPath(new URL('hovered.ts', import.meta.url));
const MISTAKEN_FILE = fileURLToPath(new URL('mistaken.ts', import.meta.url));

/** A program as users write it. It exists in memory only. */
const PROGRAM = `
import { WebwireClient } from 'nestjs-webwire/client';
import { defineContract, type ApiOf } from 'nestjs-webwire/contract';
import type { WebwireConnection } from 'nestjs-webwire';
import { z } from 'zod';

const Room = z.object({ id: z.number(), name: z.string(), members: z.array(z.object({ id: z.string(), name: z.string() })) });
const CreateRoom = z.object({ name: z.string(), size: z.number().default(10) });
export const chat = defineContract({
  requests: { create: { body: CreateRoom, reply: Room }, list: { reply: z.array(Room) }, remove: { body: z.number() } },
  streams: { ticks: { body: z.array(z.string()), item: z.object({ n: z.number() }) } },
  signals: { typing: {} },
  serverSignals: { message: { body: z.object({ text: z.string() }) } },
});
interface Chat extends ApiOf<typeof chat> {}
const client = new WebwireClient<Chat>('ws://localhost', { contract: chat });
const unnamed = new WebwireClient('ws://localhost', { contract: chat });
const { body: room } = await client.request('create', { name: 'a' });
for await (const { body: tick } of client.stream('ticks', ['a'])) console.log(tick);
client.onSignal('message', ({ body: message }) => console.log(message));
declare const connection: WebwireConnection;
connection.signal(chat.serverSignals.message, { text: 'a' });
const entry = chat.requests.remove;
console.log(room, entry, unnamed);
`;

/** A program with one mistake in each marked line. */
const MISTAKEN_PROGRAM = `
import { MessageBody } from '@nestjs/websockets';
import { WebwireRequest, WebwireStream, type WebwireConnection, type WebwireService } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { chat } from './hovered.js';

export class Gateway {
  @WebwireRequest(chat.requests.create) a(@MessageBody() { name }: { name: string }) { return { id: name, name }; } // reply
  @WebwireRequest(chat.requests.create) async b(@MessageBody() { name }: { name: string }) { return { id: 1, name, members: [] as string[] }; } // promise
  @WebwireRequest(chat.requests.list) c() {} // no reply
  @WebwireRequest(chat.requests.remove) d(@MessageBody() _id: number) { return 5; } // unwanted reply
  @WebwireStream(chat.streams.ticks) async *e(@MessageBody() names: string[]) { for (const n of names) yield { n }; } // item
  @WebwireRequest(chat.requests.create) f(@MessageBody() _body: { title: string }): never { throw new Error(); } // body
  @WebwireRequest(chat.signals.typing) g() {} // kind
}
declare const connection: WebwireConnection;
declare const webwire: WebwireService;
connection.signal(chat.serverSignals.message); // no body
connection.signal(chat.serverSignals.message, { txt: 'a' }); // wrong body
webwire.broadcast(chat.serverSignals.message); // no broadcast body
webwire.signalGroup('group', chat.serverSignals.message, { text: 5 }); // wrong group body
new WebwireClient('ws://localhost', { contract: chat }).request('create'); // no request body
`;

let hover: (code: string) => string;
/** The errors of the compiler in the program without mistakes. */
let mistakes: unknown[];
/** The errors of the compiler in the other program, by the comments of their lines. */
let errors: Map<string, string>;

const programs = new Map([
  [FILE, PROGRAM],
  [MISTAKEN_FILE, MISTAKEN_PROGRAM],
]);

/** Opens the programs in TypeScript's language service, which editors ask for hovers. */
function openPrograms(): ts.LanguageService {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(`${ROOT}tsconfig.json`, (path) => ts.sys.readFile(path)).config,
    ts.sys,
    ROOT,
  );
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => options,
    getScriptFileNames: () => [FILE, MISTAKEN_FILE],
    getScriptVersion: () => '1',
    getScriptSnapshot: (path) => {
      const text = programs.get(path) ?? ts.sys.readFile(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => ROOT,
    getDefaultLibFileName: (settings) => ts.getDefaultLibFilePath(settings),
    fileExists: (path) => programs.has(path) || ts.sys.fileExists(path),
    readFile: (path) => programs.get(path) ?? ts.sys.readFile(path),
    directoryExists: (path) => ts.sys.directoryExists(path),
    getDirectories: (path) => ts.sys.getDirectories(path),
  };
  return ts.createLanguageService(host);
}

describe('the text that an editor shows', { timeout: 120_000 }, () => {
  beforeAll(() => {
    const service = openPrograms();
    mistakes = service.getSemanticDiagnostics(FILE).map(({ messageText }) => messageText);
    errors = new Map(
      service.getSemanticDiagnostics(MISTAKEN_FILE).map(({ start = 0, messageText }) => {
        const line = MISTAKEN_PROGRAM.slice(start).split('\n', 1)[0]!;
        return [line.slice(line.indexOf('// ') + 3), ts.flattenDiagnosticMessageText(messageText, '\n')];
      }),
    );
    hover = (code) => {
      const start = PROGRAM.indexOf(code);
      const info = service.getQuickInfoAtPosition(FILE, start + code.search(/\w+$/));
      return ts.displayPartsToString(info?.displayParts);
    };
  }, 120_000);

  it('is that of a program without mistakes', () => {
    expect(mistakes).toEqual([]);
  });

  it.each([
    ['the body of a reply', '{ body: room', ['id: number;', 'name: string;']],
    ['an item of a stream', '{ body: tick', ['const tick: {', 'n: number;']],
    ['the body of a signal', '({ body: message', ['text: string;']],
    ['request()', 'client.request', ['"create"', 'name: string;']],
    ['connection.signal()', 'connection.signal', ['text: string']],
    ['an entry', 'const entry', ['RequestEntry<"remove"']],
    ['the client', 'const client', ['const client: WebwireClient<Chat>']],
  ])('for %s is short', (_what, code, parts) => {
    const text = hover(code);
    for (const part of parts) expect(text).toContain(part);
    expect(text.split('\n').length).toBeLessThanOrEqual(15);
    expect(text.length).toBeLessThanOrEqual(600);
  });

  it.each([
    ['a contract', 'const chat', 'DefinedContract<'],
    ['a client whose types have no name', 'const unnamed', 'WebwireClient<ContractApi<'],
  ])('for %s has less than 40 lines', (_what, code, part) => {
    const text = hover(code);
    expect(text).toContain(part);
    expect(text.split('\n').length).toBeLessThan(40);
  });
});

describe('the error of the compiler', () => {
  it('is one for each mistake', () => {
    expect([...errors.keys()]).toEqual([
      'reply',
      'promise',
      'no reply',
      'unwanted reply',
      'item',
      'body',
      'kind',
      'no body',
      'wrong body',
      'no broadcast body',
      'wrong group body',
      'no request body',
    ]);
  });

  it.each([
    [
      'reply',
      `ReturnTypeDoesNotFit<{ id: number; name: string; members: { id: string; name: string; }[]; }, "id" | "members">`,
    ],
    ['promise', `, "members">`],
    ['no reply', 'ReturnTypeDoesNotFit<{ id: number;'],
    ['unwanted reply', 'ReturnTypeDoesNotFit<void, never>'],
    ['item', 'ReturnTypeDoesNotFit<{ n: number; }, "n">'],
    ['kind', 'EntryIsOfAnotherKind<"signal", "request">'],
    ['body', 'NoParameterAcceptsTheBody<{ name: string; size: number; }>'],
  ])('for the %s of a handler has three lines, and says what does not fit', (mistake, part) => {
    const text = errors.get(mistake)!;
    expect(text.split('\n').length).toBeLessThanOrEqual(3);
    expect(text).toContain(part);
    const sentences = {
      body: 'no parameter accepts the body of the contract',
      kind: 'the entry of the contract is of another kind',
    };
    expect(text).toContain(sentences[mistake as 'body'] ?? 'the return type does not fit the contract');
  });

  it.each([
    ['no body', 'Expected 2 arguments, but got 1.'],
    ['no broadcast body', 'Expected 2-3 arguments, but got 1.'],
    ['no request body', 'Expected 2-3 arguments, but got 1.'],
    ['wrong body', "'txt' does not exist in type '{ text: string; }'"],
    ['wrong group body', "Type 'number' is not assignable to type 'string'."],
  ])('for %s of a signal or request is about the body', (mistake, part) => {
    expect(errors.get(mistake)).toContain(part);
    expect(errors.get(mistake)!.split('\n').length).toBeLessThanOrEqual(2);
  });
});
