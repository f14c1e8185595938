import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { answer, type CpuReading } from '../process/answer.js';
import { HOST } from './report.js';

/** Starts a server that is not part of the benchmark, on the core of this process, and answers for it. */
const port = await findFreePort();
const [program, ...args] = process.argv[2]!.split(' ').map((word) => word.replace('{port}', String(port)));
const server = spawn(program!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
process.once('exit', () => server.kill('SIGKILL'));
server.once('exit', (code) => process.exit(code ?? 1));
await once(server.stdout, 'data');
answer({ port: () => port, readCpu });

async function findFreePort(): Promise<number> {
  const listener = createServer().listen(0, HOST);
  await once(listener, 'listening');
  const address = listener.address() as AddressInfo;
  await once(listener.close(), 'close');
  return address.port;
}

/** CPU time of all threads of the server. `/proc/PID/stat` would round it to 10 ms. */
function readCpu(): CpuReading {
  const threads = `/proc/${server.pid}/task`;
  const nanoseconds = readdirSync(threads).map((id) =>
    parseInt(readFileSync(`${threads}/${id}/schedstat`, 'utf8'), 10),
  );
  return { used: nanoseconds.reduce((sum, part) => sum + part, 0) / 1e6, at: performance.now() };
}
