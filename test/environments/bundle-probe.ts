import { fileURLToPath } from 'node:url';
import { build, type Rolldown } from 'vite';

/** `probe.ts` in one file: as an ES module, and as a classic script that defines the variable `Probe` with the exports. */
export interface ProbeBundle {
  readonly module: string;
  readonly script: string;
}

/** Fields of `package.json` that replace modules. Metro's are those of React Native. */
const FIELDS = { browser: ['browser'], 'react-native': ['react-native'] };

/** Bundles `probe.ts` and the built package. */
export async function bundleProbe(platform: keyof typeof FIELDS = 'browser'): Promise<ProbeBundle> {
  const outputs = (await build({
    root: fileURLToPath(new URL('.', import.meta.url)),
    configFile: false,
    logLevel: 'silent',
    resolve: { mainFields: FIELDS[platform] },
    build: {
      write: false,
      lib: { entry: fileURLToPath(new URL('probe.ts', import.meta.url)), name: 'Probe', formats: ['es', 'iife'] },
    },
  })) as Rolldown.RolldownOutput[];
  const [module, script] = outputs.map(({ output: [{ code }] }) => code);
  return { module: module!, script: script! };
}
