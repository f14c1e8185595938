/** The chat room in a terminal: `npm run chat`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { CHAT_PATH } from '../api/chat-api.js';
import { ChatClient } from '../client/chat-client.js';
import { ChatTerminal } from './chat-terminal.js';
import { FileStorage } from './file-storage.js';
import { Terminal } from './terminal.js';

const USAGE = `Usage: npm run chat -- [url] [--session <file>]

url        of the chat room; http://localhost:3000 by default, or at the port that PORT says
--session  where the session is kept for the next time; people who share a machine have a file each`;

function readArguments() {
  const { values, positionals } = parseArgs({
    options: { session: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  const url = new URL(CHAT_PATH, positionals[0] ?? `http://localhost:${process.env.PORT ?? 3000}`);
  url.protocol = url.protocol.replace('http', 'ws');
  // npm runs scripts in the folder of the package; `INIT_CWD` is the folder in which npm was called.
  const file = values.session && resolve(process.env.INIT_CWD ?? '', values.session);
  return { url: url.href, file: file ?? '.chat-session', isHelp: values.help ?? false };
}

async function main(): Promise<void> {
  let options: ReturnType<typeof readArguments>;
  try {
    options = readArguments();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 1;
    return;
  }
  if (options.isHelp) {
    console.log(USAGE);
    return;
  }
  const terminal = new Terminal(process.stdin, process.stdout);
  const chat = new ChatTerminal(
    terminal,
    (listener) =>
      new ChatClient(options.url, listener, {
        sessionStorage: new FileStorage(options.file),
        webSocket: WebSocket, // not needed since Node.js 22
      }),
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => chat.stop());
  await chat.run();
}

await main();
