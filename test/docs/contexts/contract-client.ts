// docs/contracts.md
import { RequestError, WebwireClient } from 'nestjs-webwire/client';
import { chat } from './contract.js';
import { app } from './contract-server.js';

const show = (value: string | number) => console.log('show', value);

// block 3

console.log(room);
// @ts-expect-error -- the name is a string
const refusal = await client.request('rooms.create', { name: 5 }).catch((error: RequestError) => error);
console.log(refusal instanceof RequestError && refusal.code);
await client.close();
await app.close();

// Prints:
// show …
// show 5
// { id: 110, name: 'Tea' }
// BAD_REQUEST
