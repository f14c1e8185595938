// docs/options.md
import { WebwireGateway, WebwireModule as Original } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { createTestClient } from 'nestjs-webwire/testing';
import { serve } from './serve.js';

const customers = new Set(['https://shop.example.net']);
const all: NonNullable<Parameters<typeof Original.forRoot>[0]>[] = [];
const WebwireModule = { forRoot: (options: (typeof all)[number]) => all.push(options) };

// block 2

@WebwireGateway()
class Gateway {}

const ORIGINS = [
  undefined,
  'https://EXAMPLE.com',
  'https://a.example.org',
  'https://a.example.org.evil.net',
  'https://shop.example.net',
];
for (const options of [...all, { origins: (async () => true) as unknown as () => boolean }]) {
  const app = await serve({ providers: [Gateway] }, options);
  app.useLogger(false);
  for (const origin of ORIGINS) {
    const client: WebwireClient = createTestClient(app, { headers: origin ? { origin } : {} });
    const result = await client.connect().then(
      () => 'connected',
      (error: unknown) => /HTTP \d+/.exec((error as Error).message)?.[0],
    );
    console.log(origin, result);
    await client.close();
  }
  await app.close();
}

// Prints:
// undefined connected
// https://EXAMPLE.com connected
// https://a.example.org connected
// https://a.example.org.evil.net HTTP 403
// https://shop.example.net HTTP 403
// undefined connected
// https://EXAMPLE.com HTTP 403
// https://a.example.org HTTP 403
// https://a.example.org.evil.net HTTP 403
// https://shop.example.net connected
// undefined HTTP 500
// https://EXAMPLE.com HTTP 500
// https://a.example.org HTTP 500
// https://a.example.org.evil.net HTTP 500
// https://shop.example.net HTTP 500
