import { expectOutput, type Stage } from '../stage.js';

/** Prints the results of Metro's resolver, with the settings that React Native gives it. */
const PROGRAM = `
  import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
  import { dirname, join, relative } from 'node:path';
  import { resolve } from 'metro-resolver';

  const PACKAGE = realpathSync('node_modules/nestjs-webwire');
  const packageJson = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
  const getPackageForModule = (path) => path.startsWith(PACKAGE)
    ? { rootPath: PACKAGE, packageJson, packageRelativePath: relative(PACKAGE, path) }
    : null;

  function find(specifier, from, isExportsOn = true) {
    const context = {
      allowHaste: false,
      assetExts: new Set(),
      sourceExts: ['js', 'jsx', 'json', 'ts', 'tsx'],
      customResolverOptions: {},
      dev: false,
      disableHierarchicalLookup: false,
      doesFileExist: existsSync,
      extraNodeModules: null,
      fileSystemLookup: (path) => existsSync(path)
        ? { exists: true, type: statSync(path).isDirectory() ? 'd' : 'f', realPath: realpathSync(path) }
        : { exists: false },
      getPackage: (path) => existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null,
      getPackageForModule,
      mainFields: ['react-native', 'browser', 'main'],
      nodeModulesPaths: [],
      originModulePath: from,
      preferNativePlatform: true,
      resolveAsset: () => null,
      resolveHasteModule: () => undefined,
      resolveHastePackage: () => undefined,
      unstable_conditionNames: ['react-native', 'require'],
      unstable_conditionsByPlatform: { web: ['browser'] },
      unstable_enablePackageExports: isExportsOn,
      unstable_incrementalResolution: false,
      unstable_logWarning: (text) => console.log('warning:', text),
      isESMImport: true,
    };
    try {
      return relative(PACKAGE, resolve(context, specifier, 'ios').filePath);
    } catch (error) {
      return error.constructor.name;
    }
  }

  const app = join(import.meta.dirname, 'app.js');
  const client = join(PACKAGE, 'dist/client/index.js');
  const results = {
    client: find('nestjs-webwire/client', app),
    react: find('nestjs-webwire/react', app),
    contract: find('nestjs-webwire/contract', app),
    protocol: find('nestjs-webwire/protocol', app),
    details: find('./failure-details.js', client),
    encoder: find('../protocol/encode-utf8.js', client),
    'without exports': find('nestjs-webwire/client', app, false),
  };
  for (const [name, result] of Object.entries(results)) console.log(name + ': ' + result);
`;

/** React Native shows why connections fail, so it has the module for it; browsers do not. */
const RESULTS = [
  ...['client', 'react', 'contract', 'protocol'].map((name) => `${name}: dist/${name}/index.js`),
  'details: dist/client/failure-details.js',
  'encoder: dist/protocol/encode-utf8.browser.js',
  // docs/platforms.md names the option with which older versions of Metro read `exports`.
  'without exports: FailedToResolveNameError',
];

/** Resolves imports of the package with the resolver of Metro. */
export async function checkMetroResolution(stage: Stage): Promise<void> {
  await stage.write('resolve.mjs', PROGRAM);
  const { output } = await stage.exec('node', ['resolve.mjs']);
  for (const result of RESULTS) expectOutput(output, result);
  if (output.includes('warning:')) throw new Error(output);
}
