import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { on, once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { connect as connectSecurely, type ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ca as otherAuthority } from '../support/certificate.js';
import { TcpClient, UPGRADE } from '../support/tcp-client.js';
import { WireClient } from '../support/wire-client.js';
import { compiledSample } from '../support/sample.js';

/** Compiled by `npm run build:sample`, and using the built package, as a user would. */
const compiled = (file: string) => compiledSample('05-tls', `src/${file}`);

/** The guard of the sample finds no version of TLS on Bun. */
const VERSION = process.versions.bun === undefined ? 'TLSv1.3' : 'TLS';

let directory: string;
let caFile: string;
let ca: string;
let server: ChildProcessByStdio<null, Readable, null>;
const ports = { greeter: 0, admin: 0 };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'webwire-tls-'));
  caFile = join(directory, 'ca.pem');
  server = spawn(process.execPath, [compiled('main.js')], {
    env: { ...process.env, PORT: '0', ADMIN_PORT: '0', CA_FILE: caFile, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const [chunk] of on(server.stdout, 'data', { close: ['end'] })) {
    output += String(chunk);
    const announced = /npm run client -- wss:\/\/localhost:(\d+) wss:\/\/localhost:(\d+)\n/.exec(output);
    if (!announced) continue;
    [ports.greeter, ports.admin] = announced.slice(1).map(Number) as [number, number];
    break;
  }
  if (ports.greeter === 0) throw new Error(`the application did not start: ${output}`);
  server.stdout.resume();
  ca = await readFile(caFile, 'utf8');
});

afterAll(async () => {
  if (server.exitCode === null && server.signalCode === null) {
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
  await rm(directory, { recursive: true });
});

/** Runs the client script to its end. */
async function runClient(file: string) {
  const urls = [ports.greeter, ports.admin].map((port) => `wss://127.0.0.1:${port}`);
  const client = spawn(process.execPath, [compiled('client.js'), ...urls], {
    env: { ...process.env, CA_FILE: file },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void client.kill('SIGKILL'));
  const ended = once(client, 'exit') as Promise<[number | null]>;
  const [output, errors, [code]] = await Promise.all([text(client.stdout), text(client.stderr), ended]);
  return { lines: output.trimEnd().split('\n'), errors, code };
}

it('answers its client, which trusts the authority of the sample, on both ports', async () => {
  const { lines, errors, code } = await runClient(caFile);
  expect(errors).toBe('');
  const address = String.raw`(::ffff:)?127\.0\.0\.1`;
  expect(lines).toEqual([
    expect.stringMatching(
      new RegExp(`^greet -> reply: Hello Ada at ${address}, you came to 127.0.0.1:${ports.greeter} over ${VERSION}$`),
    ),
    expect.stringMatching(new RegExp(`^count -> reply: 1 to be greeted, as ${address} may know over ${VERSION}$`)),
  ]);
  expect(code).toBe(0);
});

it('is rejected by a client that trusts another authority', async () => {
  // A readable file that is no certificate.
  const { lines, errors, code } = await runClient(compiled('client.js'));
  expect(lines).toEqual(['']);
  expect(errors).toContain('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  expect(code).toBe(1);
});

it('writes no key anywhere, only the certificate of the authority', async () => {
  expect(await readdir(directory)).toEqual(['ca.pem']);
  expect(ca.match(/-----BEGIN .+-----/g)).toEqual(['-----BEGIN CERTIFICATE-----']);
  expect(new X509Certificate(ca)).toMatchObject({ ca: true, subject: 'CN=WebWire sample authority' });
});

describe.each(['greeter', 'admin'] as const)('on the port of the %s', (name) => {
  const url = () => `wss://localhost:${ports[name]}`;

  async function expectToServe() {
    const client = await WireClient.connect(url(), { ca });
    onTestFinished(() => client.socket.terminate());
    expect(await client.ask(name === 'greeter' ? 'greet' : 'count', 'Ada')).toMatch(
      new RegExp(`^utf8 .* over ${VERSION}$`),
    );
  }

  /** The version of TLS that both sides negotiate. */
  async function shakeHands(options: ConnectionOptions): Promise<string | null> {
    const socket = connectSecurely({ host: '127.0.0.1', port: ports[name], ca, ...options });
    onTestFinished(() => void socket.destroy());
    await once(socket, 'secureConnect');
    return socket.getProtocol();
  }

  it.each<[string, { ca?: string }, string]>([
    ['that Node.js knows', {}, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['that only have its name', { ca: otherAuthority }, 'CERT_SIGNATURE_FAILURE'],
  ])('a client that trusts authorities %s does not connect', async (_what, options, code) => {
    await expect(WireClient.connect(url(), options)).rejects.toMatchObject({ code });
    await expectToServe();
  });

  it('a client with another server name does not connect', async () => {
    const connecting = shakeHands({ servername: 'other.example' });
    await expect(connecting).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    await expectToServe();
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('%s is spoken', async (version) => {
    expect(await shakeHands({ minVersion: version, maxVersion: version })).toBe(version);
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('%s is refused by the server', async (version) => {
    // The client allows old versions, and the weak ciphers that they need.
    const old = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' };
    await expect(shakeHands(old)).rejects.toThrow('alert protocol version');
    await expect(WireClient.connect(url(), { ca, ...old })).rejects.toThrow('alert protocol version');
    await expectToServe();
  });

  it('there is nothing without TLS', async () => {
    await expect(WireClient.connect(`ws://127.0.0.1:${ports[name]}`)).rejects.toThrow(/hang up|ECONNRESET|Parse Error/);
    const plain = await TcpClient.connect(ports[name]);
    plain.send(UPGRADE);
    expect(await plain.ended).not.toContain('HTTP');
    await expectToServe();
  });
});

it('ends on a signal while clients are connected', async () => {
  const clients = [
    await WireClient.connect(`wss://127.0.0.1:${ports.greeter}`, { ca }),
    await WireClient.connect(`wss://127.0.0.1:${ports.admin}`, { ca }),
  ];
  await TcpClient.connect(ports.greeter);
  await TcpClient.connect(ports.admin);
  server.kill('SIGTERM');
  const [, signal] = (await once(server, 'exit')) as [number | null, string | null];
  expect(signal).toBe('SIGTERM');
  for (const { closed } of clients)
    expect(await closed).toEqual({ code: 1001, reason: 'server shutting down after all replies' });
});
