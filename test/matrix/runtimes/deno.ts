import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectAnswers, startServer } from '../front-end/probe.js';
import { nestPackages, NEST_VERSIONS } from '../nest/versions.js';
import type { Row } from '../row.js';

const COMPILED = '.matrix/environments';
const SERVER = ['serve.js', 'probe.gateway.js'];
const CLIENT = ['run-probe.js', 'probe.js'];
const NEST = ['common', 'core', 'platform-express', 'websockets'];

/** Arguments with which Deno finds the packages that npm has installed, and may use the network. */
const ARGUMENTS = ['run', '--no-lock', '--allow-all'];

/**
 * Runs a client on Deno with a server on Node.js and one on Deno, and a client on Node.js with the server on Deno. The package comes
 * from the tarball.
 *
 * @param version As npm takes it.
 */
export function denoRow(version: string): Row {
  return {
    name: `deno-${version}`,
    does: `runs a client and a server on Deno ${version}`,
    async run(stage) {
      await stage.install({
        type: 'module',
        dependencies: {
          ...nestPackages(NEST_VERSIONS['12-newest'], NEST),
          deno: version,
          'nestjs-webwire': await stage.tarball(),
          'reflect-metadata': '^0.2.2',
          rxjs: '^7.8.2',
          ws: '^8.18.0',
        },
      });
      for (const file of [...SERVER, ...CLIENT]) {
        await stage.write(file, await readFile(join(stage.root, COMPILED, file), 'utf8'));
      }
      const deno = join(stage.folder, 'node_modules/.bin/deno');
      const { url } = await startServer(stage);
      expectAnswers(await stage.exec(deno, [...ARGUMENTS, 'run-probe.js', url]));
      console.log('  passed: client on Deno, server on Node.js');
      const server = await stage.start(deno, [...ARGUMENTS, 'serve.js'], /^ws:.*$/m);
      expectAnswers(await stage.exec(deno, [...ARGUMENTS, 'run-probe.js', server.match[0]]));
      console.log('  passed: client and server on Deno');
      await server.stop();
    },
  };
}
