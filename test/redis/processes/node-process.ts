import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { makeProgramFolder } from '../../support/program-folder.js';
import { Queue } from '../../support/queue.js';
import { WireClient } from '../../support/wire-client.js';
import type { NodeReport } from './node.js';

/** Compiles the program of a node into a folder of the package, so that it imports the built package by its name. */
export async function compileNode(): Promise<{ readonly file: string; remove(): Promise<void> }> {
  const source = await readFile(new URL('node.ts', import.meta.url), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  const folder = await makeProgramFolder('redis-node-');
  const file = join(folder, 'main.mjs');
  await writeFile(file, outputText);
  return { file, remove: () => rm(folder, { recursive: true }) };
}

/** A node of an application in a separate process. */
export class NodeProcess {
  readonly reports = new Queue<NodeReport>();
  readonly destroyed: string[] = [];
  readonly rejections: string[] = [];
  readonly clients = new Set<WireClient>();
  #port = 0;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (report: NodeReport) => {
      if (report.kind === 'destroyed') this.destroyed.push(report.key);
      else if (report.kind === 'rejection') this.rejections.push(report.error);
      else this.reports.push(report);
    });
    child.once('exit', (code) => this.reports.end(new Error(`the node has ended with ${code}`)));
  }

  static async start(file: string, env: NodeJS.ProcessEnv): Promise<NodeProcess> {
    const child = fork(file, {
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const node = new NodeProcess(child);
    const listening = await node.reports.take(({ kind }) => kind === 'listening');
    node.#port = (listening as { port: number }).port;
    return node;
  }

  async connect(): Promise<WireClient> {
    const client = await WireClient.connect(`ws://127.0.0.1:${this.#port}`);
    this.clients.add(client);
    void client.closed.then(() => this.clients.delete(client));
    return client;
  }

  /** Stops the process, whose connections stay open. */
  stall(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  /** Kills the process. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}
