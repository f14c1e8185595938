/**
 * Runs a bundle of `probe.ts`, a classic script, in a realm with the globals of a platform only, and prints the answers.
 * Its arguments are the platform, the file and the URL of the server.
 */
import { readFile } from 'node:fs/promises';
import { WebSocket } from 'ws';
import { reactNativeGlobals } from './react-native.js';
import { runScript } from './realm.js';

/** The globals of pages and of workers that clients need. */
const BROWSER = { TextDecoder, TextEncoder, WebSocket, clearTimeout, console, performance, queueMicrotask, setTimeout };

const [platform, file, url] = process.argv.slice(2) as [string, string, string];
const globals = platform === 'browser' ? BROWSER : reactNativeGlobals(platform as 'android' | 'ios');
const { Probe } = runScript(await readFile(file, 'utf8'), globals);
console.log([...(await Probe.probe(url))].join('\n'));
