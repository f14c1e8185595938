import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createWebwireDocument } from 'nestjs-webwire/document';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { complaints } from './asyncapi-parser.js';

const SAMPLES: Record<string, () => Promise<Type>> = {
  '01-echo': async () => (await import('../../sample/01-echo/src/app.module.js')).AppModule,
  '02-pubsub': async () => (await import('../../sample/02-pubsub/src/broker/broker.module.js')).BrokerModule,
  '03-chatroom': async () => (await import('../../sample/03-chatroom/src/app.module.js')).AppModule,
  '04-custom-session-store': async () =>
    (await import('../../sample/04-custom-session-store/src/app.module.js')).AppModule,
  '05-tls': async () => (await import('../../sample/05-tls/src/app.module.js')).AppModule,
  '06-cluster': async () => (await import('../../sample/06-cluster/src/app.module.js')).AppModule,
  '07-streams': async () => (await import('../../sample/07-streams/src/app.module.js')).AppModule,
  '08-deployment': async () => (await import('../../sample/08-deployment/src/app.module.js')).AppModule,
  '09-react': async () => (await import('../../sample/09-react/src/app.module.js')).AppModule,
};

beforeAll(() => {
  vi.stubEnv('DATABASE_FILE', ':memory:');
  // Nothing listens there. The document needs no connection.
  vi.stubEnv('REDIS_URL', 'redis://localhost:1');
  return () => vi.unstubAllEnvs();
});

/** The document of a sample, which is not initialised. */
async function documentOf(sample: string) {
  const app = await NestFactory.create(await SAMPLES[sample]!(), { logger: false });
  onTestFinished(() => app.close());
  return createWebwireDocument(app, { title: sample, version: '1.0.0', onWarning: () => {} });
}

describe.each(Object.keys(SAMPLES))('the document of sample %s', (sample) => {
  it('is accepted by the official parser without warnings', async () => {
    expect(await complaints(await documentOf(sample))).toEqual([]);
  });

  it('is the same each time', async () => {
    const documents = [await documentOf(sample), await documentOf(sample)];
    const [first, second] = documents.map((document) => JSON.stringify(document, null, 2));
    expect(first).toBe(second);
    expect(Object.keys(documents[0]!.operations)).not.toEqual([]);
  });
});
