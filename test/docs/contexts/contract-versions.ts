// docs/contracts.md
import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest, WebwireService } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { defineContract } from 'nestjs-webwire/contract';
import { z } from 'zod';
import { serve } from './serve.js';

const Name = z.object({ name: z.string() });
const Room = z.object({ id: z.number(), name: z.string() });
const rooms = defineContract({
  requests: {
    create: { deprecated: true, body: Name, reply: Room },
    open: {
      body: Name.extend({ size: z.number().optional() }),
      reply: Room.extend({ isOpen: z.boolean().default(true) }),
    },
  },
});
const roomsV2 = defineContract({
  requests: {
    create: { body: z.object({ title: z.string() }), reply: z.object({ id: z.string(), title: z.string() }) },
  },
});
/** That of a client from before the optional members. */
const old = defineContract({ requests: { open: { body: Name, reply: Room } }, serverSignals: { news: {} } });

@WebwireGateway()
class RoomsGateway {
  // block 8
}

// block 9

const app = await serve({ providers: [RoomsGateway, RoomsV1Gateway, RoomsV2Gateway] });
const client = new WebwireClient('ws://localhost/', { contract: rooms });
for (const name of ['create', 'open'] as const) console.log(name, (await client.request(name, { name: 'Tea' })).body);
const before = new WebwireClient('ws://localhost/', { contract: old });
console.log('old client', (await before.request('open', { name: 'Tea' })).body);
const v1 = new WebwireClient('ws://localhost/v1', { contract: rooms });
const v2 = new WebwireClient('ws://localhost/v2', { contract: roomsV2 });
console.log('v1', (await v1.request('create', { name: 'Tea' })).body);
console.log('v2', (await v2.request('create', { title: 'Tea' })).body);

// Connections of both versions in one group.
const webwire = app.get(WebwireService);
for (const connection of webwire.connections) webwire.join(connection, 'all');
console.log('members', await webwire.countMembers('all'));
await Promise.all([client, before, v1, v2].map((each) => each.close()));
await app.close();

// Prints:
// create { id: 1, name: 'Tea' }
// open { id: 1, name: 'Tea', isOpen: true }
// old client { id: 1, name: 'Tea' }
// v1 { id: 1, name: 'Tea' }
// v2 { id: '1', title: 'Tea' }
// members 4
