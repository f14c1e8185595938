export { BunTransport } from './bun-transport.js';
