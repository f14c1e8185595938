import { join } from 'node:path';
import type { Row } from '../row.js';
import type { Stage } from '../stage.js';
import { runBundle, startServer, writeProbe } from './probe.js';
import { REACT_NATIVE, writeTypesProject } from './types.js';

const VERSION = '~0.86.0';

const METRO = `
  const { getDefaultConfig, mergeConfig } = require('@react-native/metro-config');
  const { runBuild } = require('metro');
  const config = mergeConfig(getDefaultConfig(__dirname), {
    // The native part of React Native, which these modules need, does not exist here.
    serializer: { getModulesRunBeforeMainModule: () => [] },
  });
  const [platform, out] = process.argv.slice(2);
  runBuild(config, { entry: 'entry.js', out, platform, dev: false, minify: true }).catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });`;

/** Bundles a client as an application of React Native does, with the default settings. */
export const reactNativeRow: Row = {
  name: 'react-native',
  does: `bundles a client with Metro for React Native ${VERSION}, runs the bundles, compiles them for Hermes, and checks types`,
  async run(stage) {
    await stage.install({
      dependencies: { 'nestjs-webwire': await stage.tarball(), react: '^19.2.0', 'react-native': VERSION },
      devDependencies: {
        '@react-native/babel-preset': VERSION,
        '@react-native/metro-config': VERSION,
        '@types/react': '^19.2.0',
        typescript: '~6.0.0',
      },
    });
    await writeProbe(stage);
    await stage.write('babel.config.js', "module.exports = { presets: ['module:@react-native/babel-preset'] };");
    await stage.write('bundle.js', METRO);
    const { url } = await startServer(stage);
    for (const platform of ['ios', 'android']) {
      const file = `${platform}.bundle.js`;
      await stage.exec('node', ['bundle.js', platform, file]);
      await runBundle(stage, platform, file, url);
      await compileForHermes(stage, file);
      console.log(`  passed: ${platform}`);
    }
    await writeTypesProject(stage, 'types', REACT_NATIVE);
    await stage.exec('npx', ['tsc', '-p', 'types']);
  },
};

/** The folders of the compiler's programs by the names of Node.js for systems. */
const SYSTEMS: Readonly<Record<string, string>> = { darwin: 'osx-bin', linux: 'linux64-bin', win32: 'win64-bin' };

async function compileForHermes(stage: Stage, file: string): Promise<void> {
  const compiler = join('node_modules/hermes-compiler/hermesc', SYSTEMS[process.platform]!, 'hermesc');
  await stage.exec(join(stage.folder, compiler), ['-emit-binary', '-out', `${file}.hbc`, file]);
}
