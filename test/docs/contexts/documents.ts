// docs/documents.md
import { Logger } from '@nestjs/common';
import { readFile } from 'node:fs/promises';
import { AppModule } from './swagger.js';

Logger.overrideLogger(['error', 'warn']);

// block 1

console.log(JSON.parse(await readFile('asyncapi.json', 'utf8')).info.title, Object.keys(document.operations));
await app.close();

// Prints:
// Chat [ 'request.cats.create', 'stream.cats.born', 'serverSignal.meow' ]
