import { Test } from '@nestjs/testing';
import { jsonCodec } from 'nestjs-webwire';
import { createTestClient } from 'nestjs-webwire/testing';
import { describe, expect, it } from 'vitest';
import { AppModule } from './app.module.js';

describe('the greeting', () => {
  it('is the reply', async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    const app = await module.createNestApplication().init();
    const client = createTestClient(app, { codec: jsonCodec });
    await client.connect();
    const reply = await client.request('greet', { name: 'Ada' });
    expect(reply.json()).toEqual({ greeting: 'Hello Ada!' });
    await expect(client.request('greet', { name: '' })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await app.close();
  });
});
