import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FILE = fileURLToPath(new URL('hovered.ts', import.meta.url));

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

let hover: (code: string) => string;
/** The errors of the compiler. */
let mistakes: unknown[];

/** Opens the program in TypeScript's language service, which editors ask for hovers. */
function openProgram(): ts.LanguageService {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(`${ROOT}tsconfig.json`, (path) => ts.sys.readFile(path)).config,
    ts.sys,
    ROOT,
  );
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => options,
    getScriptFileNames: () => [FILE],
    getScriptVersion: () => '1',
    getScriptSnapshot: (path) => {
      const text = path === FILE ? PROGRAM : ts.sys.readFile(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => ROOT,
    getDefaultLibFileName: (settings) => ts.getDefaultLibFilePath(settings),
    fileExists: (path) => path === FILE || ts.sys.fileExists(path),
    readFile: (path) => (path === FILE ? PROGRAM : ts.sys.readFile(path)),
    directoryExists: (path) => ts.sys.directoryExists(path),
    getDirectories: (path) => ts.sys.getDirectories(path),
  };
  return ts.createLanguageService(host);
}

describe('the text that an editor shows', { timeout: 120_000 }, () => {
  beforeAll(() => {
    const service = openProgram();
    mistakes = service.getSemanticDiagnostics(FILE).map(({ messageText }) => messageText);
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
