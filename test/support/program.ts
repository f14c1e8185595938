import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import ts from 'typescript';
import { makeProgramFolder } from './program-folder.js';

/** The output and the end of a program. */
export interface Run {
  readonly output: string;
  readonly errors: string;
  readonly code: number | null;
}

/**
 * Runs a whole program against the built package, to its end. `NestFactory` ends the process when something fails at start,
 * which no test module does.
 */
export async function runProgram(source: string): Promise<Run> {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  const folder = await makeProgramFolder('program-');
  try {
    const file = join(folder, 'main.mjs');
    await writeFile(file, outputText);
    const program = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(program, 'exit') as Promise<[number | null]>;
    const [output, errors, [code]] = await Promise.all([text(program.stdout), text(program.stderr), ended]);
    return { output, errors, code };
  } finally {
    await rm(folder, { recursive: true });
  }
}
