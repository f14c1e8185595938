import type { WebwireModuleOptions } from 'nestjs-webwire';

/**
 * Timeouts, in ms. Those of the proxies and of Kubernetes have to fit them: the README of the repository has the rules, and
 * `test/deployment/numbers.spec.ts` checks them.
 */
export const READ_TIMEOUT = 60_000;
export const SHUTDOWN_TIMEOUT = 30_000;

/** Options of the server, from the environment. */
export function readSettings({ TRUST_PROXY, ORIGINS, READ_TIMEOUT: readTimeout }: NodeJS.ProcessEnv) {
  return {
    readTimeout: Number(readTimeout ?? READ_TIMEOUT),
    shutdownTimeout: SHUTDOWN_TIMEOUT,
    // The addresses of the proxies. Other peers cannot choose the address with which they are seen.
    trustProxy: TRUST_PROXY ?? 'loopback',
    // Pages of these origins only, such as "https://shop.example.com". Browsers send the origin of the page, not that of the proxy.
    origins: ORIGINS?.split(',') ?? undefined,
    sessions: false,
  } satisfies WebwireModuleOptions;
}
