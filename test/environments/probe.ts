import { isTimeout, Payload, WebwireClient, type ClientOptions, type RequestError } from 'nestjs-webwire/client';
import { defineContract } from 'nestjs-webwire/contract';

export { WebwireClient } from 'nestjs-webwire/client';

/** The answers of `probe()` where everything works. */
export const ANSWERS: readonly string[] = [
  'utf8: Grüße 👋',
  'utf16: Grüße 👋',
  'binary: 0,255',
  'json: 3',
  'error: REFUSED: try "echo"',
  'timeout: true',
  'signal: ping',
  'stream: 1 2 3',
  'contract: echo',
  'lost: 4000',
  'session: ada, restored',
];

/**
 * Uses the parts of the client once, with the `ProbeGateway` as its server, and returns the answers. It runs on each platform,
 * so it uses no global variable but those that the client needs.
 */
export async function probe(url: string, options: ClientOptions = {}): Promise<string[]> {
  const answers: string[] = [];
  const client = new WebwireClient(url, { reconnect: { minDelay: 1 }, ...options });
  try {
    await client.connect();
    answers.push(`utf8: ${(await client.request('echo', 'Grüße 👋')).text()}`);
    answers.push(`utf16: ${(await client.request('echo', Payload.utf16('Grüße 👋'))).text()}`);
    answers.push(`binary: ${(await client.request('echo', Uint8Array.of(0, 255))).bytes.join()}`);
    answers.push(`json: ${(await client.request('sum', [1, 2])).json<number>()}`);
    const refusal = ({ code, message }: RequestError) => `${code}: ${message}`;
    answers.push(`error: ${await client.request('refuse').then(() => 'none', refusal)}`);
    answers.push(`timeout: ${await client.request('wait', undefined, { timeout: 1 }).then(() => false, isTimeout)}`);
    const pong = new Promise<string>((resolve) => client.onSignal('pong', (payload) => resolve(payload.text())));
    await client.signal('ping', 'ping');
    answers.push(`signal: ${await pong}`);
    const items: string[] = [];
    for await (const item of client.stream('count', 3)) items.push(item.text());
    answers.push(`stream: ${items.join(' ')}`);
    answers.push(`contract: ${defineContract({ requests: { echo: {} } }).requests.echo.name}`);
    await client.request('sign in', 'ada');
    const lost = new Promise((resolve) => client.on('disconnected', ({ code }) => resolve(code)));
    await client.signal('drop');
    answers.push(`lost: ${String(await lost)}`);
    // On the next connection, with the session.
    answers.push(`session: ${(await client.request('whoami')).text()}, ${client.session ? 'restored' : 'gone'}`);
  } finally {
    await client.close();
  }
  return answers;
}
