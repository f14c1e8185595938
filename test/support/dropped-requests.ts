import { createServer } from 'node:http';

/**
 * `true` if Node.js drops requests that follow one with a body, and with an upgrade that the server refuses, in the same packet.
 * So do 22.21, 24.9 and later, which can refuse upgrades; older versions and Bun pass the bytes on.
 */
export const dropsRequests = 'shouldUpgradeCallback' in createServer() && !process.versions.bun;

/** The reason to skip a test of such requests. */
export const DROPS_REQUESTS = 'this version of Node.js drops requests that follow a refused upgrade with a body';
