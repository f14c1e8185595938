import { createContext, runInContext } from 'node:vm';
import type { WebwireClient } from 'nestjs-webwire/client';
import type { probe } from './probe.js';

/** Global variables by name. */
export type Globals = Readonly<Record<string, unknown>>;

/** The globals after a bundle of `probe.ts` has run. */
export interface Probing {
  readonly AbortController: typeof AbortController;
  readonly Probe: { readonly probe: typeof probe; readonly WebwireClient: typeof WebwireClient };
}

/**
 * Runs a classic script in a realm of its own, which has what ECMAScript defines and the given globals, and nothing else of
 * Node.js.
 */
export function runScript(script: string, globals: Globals): Probing {
  const realm = createContext({}) as Record<string, unknown>;
  // V8 adds it to each realm.
  runInContext('delete globalThis.console', realm);
  Object.assign(realm, globals);
  return runInContext(`${script}\n;globalThis`, realm) as Probing;
}
