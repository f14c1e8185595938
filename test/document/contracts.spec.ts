import { type } from 'arktype';
import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest, WebwireSignal } from 'nestjs-webwire';
import { defineContract, type StandardSchema } from 'nestjs-webwire/contract';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { complaints } from './asyncapi-parser.js';
import { documentOf, messageIn, payloadIn } from './document-of.js';

/** The document of an application that takes the request `a` with these schemas. */
async function documentWith(body: StandardSchema, reply: StandardSchema) {
  const { requests } = defineContract({ requests: { a: { body, reply } } });
  @WebwireGateway()
  class Gateway {
    @WebwireRequest(requests.a) take(@MessageBody() _body: unknown): never {
      throw new Error('unused');
    }
  }
  const { document, warnings } = await documentOf([Gateway]);
  expect(await complaints(document)).toEqual([]);
  return {
    document,
    warnings,
    body: payloadIn(document, 'request.a')!,
    reply: payloadIn(document, 'reply.a')!,
  };
}

/** Of a library that makes no JSON Schemas. */
const Odd: StandardSchema = { '~standard': { version: 1, vendor: 'odd', validate: (value) => ({ value }) } };

const NEEDED = z.string();

interface Tree {
  children: Tree[];
}
const ZodTree: z.ZodType<Tree> = z.object({ children: z.array(z.lazy(() => ZodTree)) });
const ValibotTree: v.GenericSchema<Tree> = v.object({ children: v.array(v.lazy(() => ValibotTree)) });
const ArkTree = type({ children: 'this[]' });

describe('the document of a contract', () => {
  it('has its texts, errors and signals of both sides', async () => {
    const { requests, signals } = defineContract({
      requests: { 'rooms.create': { errors: { NAME_TAKEN: 'another room has this name' }, summary: 'Opens a room' } },
      signals: { typing: { description: 'Somebody types', deprecated: true } },
      serverSignals: { message: { body: z.object({ text: z.string() }), summary: 'A message' } },
    });
    @WebwireGateway()
    class Gateway {
      @WebwireRequest(requests['rooms.create']) create() {}
      @WebwireSignal(signals.typing) typing() {}
    }
    const { document, warnings } = await documentOf([Gateway]);
    expect(document.operations).toMatchObject({
      'request.rooms.create': {
        action: 'receive',
        summary: 'Opens a room',
        reply: {
          messages: [
            { $ref: '#/channels/root/messages/reply.rooms.create' },
            { $ref: '#/channels/root/messages/error.rooms.create' },
          ],
        },
        'x-webwire': { kind: 'request', name: 'rooms.create', errors: { NAME_TAKEN: 'another room has this name' } },
      },
      'signal.typing': { description: 'Somebody types', 'x-webwire': { deprecated: true } },
      'serverSignal.message': { action: 'send', summary: 'A message' },
    });
    expect(messageIn(document, 'serverSignal.message')).toMatchObject({
      contentType: 'application/json',
      payload: { properties: { text: { type: 'string' } } },
    });
    expect(warnings).toEqual([]);
    expect(await complaints(document)).toEqual([]);
  });

  it.each([
    ['zod', z.object({ n: z.number().default(1), k: z.enum(['a', 'b']), u: z.union([z.string(), z.null()]) })],
    ['valibot', v.object({ n: v.optional(v.number(), 1), k: v.picklist(['a', 'b']), u: v.nullable(v.string()) })],
    ['arktype', type({ n: 'number = 1', k: "'a' | 'b'", u: 'string | null' })],
  ])('has schemas of %s: of bodies as clients send them, of replies as they get them', async (library, schema) => {
    const { body, reply, warnings } = await documentWith(schema, schema);
    expect(body.required).toEqual(expect.not.arrayContaining(['n']));
    expect(body.properties).toMatchObject({ k: { enum: expect.arrayContaining(['a', 'b']) as unknown } });
    expect(reply.required).toEqual(expect.arrayContaining(['k', 'u']));
    // What valibot's converter says of defaults is the same for both sides.
    expect((reply.required as string[]).includes('n')).toBe(library !== 'valibot');
    expect(warnings).toEqual([]);
  });

  it.each([
    ['zod', ZodTree],
    ['valibot', ValibotTree],
    ['arktype', ArkTree],
  ])('has recursive schemas of %s as components', async (_library, schema) => {
    const { document, body, warnings } = await documentWith(schema, z.string());
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"\$ref":"(#\/components\/schemas\/([^"/]+))"/g)].map(([, , name]) => name!);
    expect(references).not.toEqual([]);
    for (const name of references) expect(document.components.schemas).toHaveProperty([name]);
    expect(text).not.toMatch(/#\/(definitions|\$defs)/);
    expect(body).toBeDefined();
    expect(warnings).toEqual([]);
  });

  it('has one component for a schema with a name, wherever it is used', async () => {
    const Room = z.object({ id: z.number() }).meta({ id: 'Room' });
    const { document, body, reply } = await documentWith(z.object({ room: Room }), z.array(Room));
    expect(body.properties).toEqual({ room: { $ref: '#/components/schemas/Room' } });
    expect(reply).toMatchObject({ items: { $ref: expect.stringMatching(/schemas\/Room/) as unknown } });
    expect(document.components.schemas.Room).toMatchObject({ properties: { id: { type: 'number' } } });
  });

  it.each([
    ['zod', z.object({ at: z.date() })],
    ['valibot', v.object({ at: v.date() })],
    ['arktype', type({ at: 'Date' })],
  ])('has dates of %s in replies as JSON sends them', async (_library, schema) => {
    const { reply } = await documentWith(z.string(), schema);
    expect(reply.properties).toMatchObject({ at: { type: 'string', format: 'date-time' } });
  });

  it.each([
    ['zod', z.string().optional(), z.string().optional()],
    ['valibot', v.optional(v.string()), v.optional(v.string())],
    ['zod, with a default,', z.string().default('a'), NEEDED],
  ])('has a message without a body where the schema of %s accepts nothing', async (_library, body, reply) => {
    const { document } = await documentWith(body, reply);
    const to = (key: string) => ({ $ref: `#/channels/root/messages/${key}` });
    const { messages, reply: replies } = document.operations['request.a']!;
    expect(messages).toEqual([to('request.a'), to('empty')]);
    expect(replies!.messages).toEqual(reply === NEEDED ? [to('reply.a')] : [to('reply.a'), to('empty')]);
    expect(messageIn(document, 'empty')).toEqual({ name: 'empty', summary: 'No body' });
  });

  it('has no message without a body where a schema needs one, is asynchronous or fails', async () => {
    const late = z
      .string()
      .optional()
      .refine(async () => Promise.resolve(true));
    const failing = z.any().refine((text: string) => text.length > 0);
    for (const schema of [NEEDED, late, failing]) {
      const { document } = await documentWith(schema, schema);
      expect(messageIn(document, 'empty')).toBeUndefined();
    }
  });

  it.each(['a%b', 'a/b c', 'a~b', '100%', 'm²'])('has schemas whose name in zod is %s', async (id) => {
    const part = z.object({ x: z.string() }).meta({ id });
    const { document, body } = await documentWith(z.object({ part }), NEEDED);
    const { $ref } = (body.properties as { part: { $ref: string } }).part;
    const name = $ref.replace('#/components/schemas/', '');
    expect(document.components.schemas[name]).toMatchObject({ properties: { x: { type: 'string' } } });
  });

  it('keeps the type of values that valibot only tidies up', async () => {
    const tidy = v.pipe(
      v.string(),
      v.trim(),
      v.toLowerCase(),
      v.check((text) => text !== ''),
      v.brand('Name'),
      v.readonly(),
    );
    const { body, reply, warnings } = await documentWith(tidy, tidy);
    expect([body.type, reply.type]).toEqual(['string', 'string']);
    expect(warnings).toEqual([]);
  });

  it('has the type of values that valibot converts', async () => {
    const { reply, warnings } = await documentWith(NEEDED, v.pipe(v.string(), v.toNumber()));
    expect(reply).toEqual({ type: 'number' });
    expect(warnings).toEqual([]);
  });

  it.each([
    ['zod', z.string().transform((text) => text.length), 'the type "transform" of zod'],
    [
      'valibot',
      v.pipe(
        v.string(),
        v.transform((text) => text.length),
      ),
      'the action "transform" of valibot',
    ],
  ])('leaves the result of a transformation of %s open', async (_library, schema, part) => {
    const { body, reply, warnings } = await documentWith(schema, schema);
    expect(body).toMatchObject({ type: 'string' });
    expect(reply).toEqual({});
    const warning = `the reply of Gateway.take, request: JSON Schema cannot express ${part}`;
    expect(warnings).toEqual([expect.stringContaining(warning)]);
  });

  it.each([
    ['zod', z.object({ a: z.object({ price: z.bigint() }) }), 'the type "bigint" of zod (at "a.price")'],
    ['valibot', v.object({ price: v.bigint() }), 'the type "bigint" of valibot'],
    ['arktype', type({ price: 'bigint' }), 'the kind "domain" of arktype'],
    ['a library without JSON Schema', Odd, 'schemas of odd'],
  ])('names in a warning what a schema of %s has that JSON Schema has not', async (_library, schema, part) => {
    const { body, warnings } = await documentWith(schema, z.string());
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('the body of Gateway.take, request: ');
    expect(warnings[0]).toContain(part);
    expect(JSON.stringify(body)).not.toContain('bigint');
  });
});
