/** Runs `probe()` on the runtime of this process with its own WebSocket, and prints the answers. Its argument is the URL. */
import { probe } from './probe.js';

console.log((await probe(process.argv[2]!)).join('\n'));
