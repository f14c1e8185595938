// docs/documents.md
import { jsonCodec } from 'nestjs-webwire';
import { createTestClient } from 'nestjs-webwire/testing';
import { readFile } from 'node:fs/promises';
import { AppModule } from './swagger.js';

// block 1

console.log(JSON.parse(await readFile('asyncapi.json', 'utf8')).info.title, Object.keys(document.operations));
const started = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
const client = createTestClient(await started.init(), { codec: jsonCodec });
await client.connect();
console.log((await client.request('cats.create', { name: 'Tom' })).body);
for await (const { body } of client.stream('cats.born')) console.log('born', body);
await started.close();

// Prints:
// Chat [ 'request.cats.create', 'stream.cats.born', 'serverSignal.meow' ]
// { name: 'Tom', id: 1 }
// born { id: 2, name: 'Kitten' }
