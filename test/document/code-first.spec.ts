import { ApiExtraModels, ApiProperty, ApiPropertyOptional, ApiSchema, getSchemaPath } from '@nestjs/swagger';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import {
  jsonCodec,
  WebwireEmits,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  WebwireStream,
  type Message,
} from 'nestjs-webwire';
import { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { complaints } from './asyncapi-parser.js';
import { documentOf, messageIn, payloadIn } from './document-of.js';

enum Color {
  Red = 'red',
  Blue = 'blue',
}

class AddressDto {
  @ApiProperty() street!: string;
}

class CatDto {
  @ApiProperty({ enum: ['cat'] }) kind!: 'cat';
}

class DogDto {
  @ApiProperty({ enum: ['dog'] }) kind!: 'dog';
}

@ApiExtraModels(CatDto, DogDto)
class EverythingDto {
  @ApiProperty({ minLength: 1, example: 'Ada' }) name!: string;
  @ApiPropertyOptional() age?: number;
  @ApiProperty({ enum: Color }) color!: Color;
  @ApiProperty({ nullable: true, type: String }) nick!: string | null;
  @ApiProperty({ nullable: true, type: () => AddressDto }) second!: AddressDto | null;
  @ApiProperty() birthday!: Date;
  @ApiProperty({ type: () => [AddressDto] }) addresses!: AddressDto[];
  @ApiProperty({ type: () => EverythingDto }) parent!: unknown;
  @ApiProperty({ oneOf: [{ $ref: getSchemaPath(CatDto) }, { $ref: getSchemaPath(DogDto) }] }) pet!: CatDto | DogDto;
  @ApiProperty({ minimum: 0, exclusiveMinimum: true }) price!: number;
}

@ApiSchema({ name: 'Renamed' })
class OtherNameDto {
  @ApiProperty() a!: string;
}

class PlainDto {
  declare a: string;
}

describe('code first', () => {
  it('takes the body from the type of its parameter, and the reply from the return type or the options', async () => {
    @WebwireGateway({ codec: jsonCodec })
    class Gateway {
      @WebwireRequest('move', { errors: { BLOCKED: 'the way is blocked' }, summary: 'Moves', deprecated: true })
      move(@MessageBody() address: AddressDto): AddressDto {
        return address;
      }

      @WebwireRequest('list', { reply: [AddressDto], description: 'Lists **all**' }) async list() {
        return Promise.resolve([]);
      }

      @WebwireRequest('none', { body: null, reply: null }) none() {}
    }
    const { document, warnings } = await documentOf([Gateway]);
    const address = { $ref: '#/components/schemas/AddressDto' };
    expect(payloadIn(document, 'request.move')).toEqual(address);
    expect(payloadIn(document, 'reply.move')).toEqual(address);
    expect(payloadIn(document, 'reply.list')).toEqual({ type: 'array', items: address });
    expect(messageIn(document, 'request.list')).not.toHaveProperty('payload');
    expect(messageIn(document, 'reply.none')).toEqual({ name: 'none reply' });
    expect(document.components.schemas).toEqual({
      AddressDto: { type: 'object', properties: { street: { type: 'string' } }, required: ['street'] },
    });
    expect(document.operations['request.move']).toMatchObject({
      action: 'receive',
      summary: 'Moves',
      'x-webwire': { kind: 'request', name: 'move', deprecated: true, errors: { BLOCKED: 'the way is blocked' } },
    });
    expect(document.operations['request.list']).toMatchObject({ description: 'Lists **all**' });
    expect(payloadIn(document, 'error.move')).toMatchObject({
      properties: { code: { oneOf: [{ const: 'BLOCKED', description: 'the way is blocked' }] } },
    });
    expect(warnings).toEqual([]);
    expect(await complaints(document)).toEqual([]);
  });

  it('describes nested, recursive, nullable, optional, listed, enumerated and alternative members, and dates', async () => {
    @WebwireGateway()
    class Gateway {
      @WebwireRequest('all') all(@MessageBody() _body: EverythingDto) {}
    }
    const { document } = await documentOf([Gateway]);
    const { EverythingDto: schema } = document.components.schemas;
    const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
    expect(schema).toMatchObject({
      required: expect.not.arrayContaining(['age']) as unknown,
      properties: {
        name: { type: 'string', minLength: 1, examples: ['Ada'] },
        age: { type: 'number' },
        color: { enum: ['red', 'blue'] },
        nick: { type: ['string', 'null'] },
        second: { anyOf: [{ type: 'object', allOf: [ref('AddressDto')] }, { type: 'null' }] },
        birthday: { type: 'string', format: 'date-time' },
        addresses: { type: 'array', items: ref('AddressDto') },
        parent: ref('EverythingDto'),
        pet: { oneOf: [ref('CatDto'), ref('DogDto')] },
        price: { exclusiveMinimum: 0 },
      },
    });
    expect(Object.keys(document.components.schemas)).toEqual(['AddressDto', 'CatDto', 'DogDto', 'EverythingDto']);
    expect(await complaints(document)).toEqual([]);
  });

  it('lists plain handlers as requests and signals', async () => {
    @WebwireGateway()
    class Gateway {
      @SubscribeMessage('chat') chat(@MessageBody() text: string): string {
        return text;
      }
    }
    const { document } = await documentOf([Gateway]);
    expect(Object.keys(document.operations)).toEqual(['request.chat', 'signal.chat']);
    expect(messageIn(document, 'request.chat')).toEqual({
      name: 'chat',
      contentType: 'text/plain',
      payload: { type: 'string' },
    });
    expect(payloadIn(document, 'reply.chat')).toEqual({ type: 'string' });
  });

  it('describes streams by the option item, and signals of the server by @WebwireEmits()', async () => {
    @WebwireEmits('moved', AddressDto, { summary: 'Somebody has moved' })
    @WebwireEmits('cleared', null)
    @WebwireGateway()
    class Gateway {
      @WebwireStream('ticks', { item: Number }) async *ticks() {
        yield await Promise.resolve(1);
      }
    }
    const { document } = await documentOf([Gateway]);
    expect(payloadIn(document, 'item.ticks')).toEqual({ type: 'number' });
    expect(document.operations['serverSignal.moved']).toMatchObject({ action: 'send', summary: 'Somebody has moved' });
    expect(payloadIn(document, 'serverSignal.moved')).toEqual({ $ref: '#/components/schemas/AddressDto' });
    expect(messageIn(document, 'serverSignal.cleared')).toEqual({ name: 'cleared' });
    expect(await complaints(document)).toEqual([]);
  });

  it('describes bytes, properties of a body, schemas, and classes of files that import each other', async () => {
    @WebwireGateway()
    class Gateway {
      @WebwireSignal('bytes') bytes(@MessageBody() _bytes: Buffer) {}
      @WebwireRequest('parts') parts(@MessageBody('name') _name: string, @MessageBody('to') _to: AddressDto) {}
      @WebwireRequest('given', {
        body: { schema: { type: 'string', pattern: '^a' } },
        reply: { schema: z.object({ a: z.string() }) },
      })
      given(@WebwireMessage() _message: Message) {}
      @WebwireRequest('later', { reply: () => OtherNameDto, body: [() => AddressDto] }) later() {}
    }
    const { document } = await documentOf([Gateway]);
    expect(messageIn(document, 'signal.bytes')).toEqual({
      name: 'bytes',
      contentType: 'application/octet-stream',
      payload: { type: 'string', format: 'binary' },
    });
    expect(payloadIn(document, 'request.parts')).toEqual({
      type: 'object',
      properties: { name: { type: 'string' }, to: { $ref: '#/components/schemas/AddressDto' } },
    });
    expect(payloadIn(document, 'request.given')).toEqual({ type: 'string', pattern: '^a' });
    expect(payloadIn(document, 'reply.given')).toMatchObject({ properties: { a: { type: 'string' } } });
    expect(payloadIn(document, 'reply.later')).toEqual({ $ref: '#/components/schemas/Renamed' });
    expect(await complaints(document)).toEqual([]);
  });

  it('leaves a class without metadata open, with one warning that names it', async () => {
    @WebwireGateway()
    class Gateway {
      @WebwireRequest('one') one(@MessageBody() _body: PlainDto) {}
      @WebwireRequest('two') two(@MessageBody() _body: PlainDto) {}
    }
    const { document, warnings } = await documentOf([Gateway]);
    expect(document.components.schemas).toEqual({ PlainDto: { type: 'object' } });
    expect(warnings).toEqual([expect.stringContaining('the class PlainDto has no metadata of @nestjs/swagger')]);
  });

  it('leaves open what promises, Observables and AsyncIterables hold', async () => {
    class Ticks extends Observable<number> {}
    @WebwireGateway()
    class Gateway {
      @WebwireRequest('later') async later() {
        return Promise.resolve(1);
      }
      @WebwireRequest('observed') observed(): Observable<number> {
        return new Ticks();
      }
      @WebwireRequest('ticks') ticks(): Ticks {
        return new Ticks();
      }
    }
    const { document, warnings } = await documentOf([Gateway]);
    for (const name of ['later', 'observed', 'ticks']) expect(payloadIn(document, `reply.${name}`)).toEqual({});
    expect(document.components.schemas).toEqual({});
    expect(warnings).toEqual([]);
  });

  it('leaves classes open that JSON cannot express, with a warning for each place', async () => {
    @WebwireGateway()
    class Gateway {
      @WebwireRequest('map') map(@MessageBody() _body: Map<string, string>): bigint {
        return 1n;
      }
      @WebwireRequest('url') url(@MessageBody() _body: Float32Array): URL {
        return new URL('ws://a');
      }
    }
    const { document, warnings } = await documentOf([Gateway]);
    expect(warnings).toEqual([
      'the body of Gateway.map, request: JSON cannot express a value of type Map, so the document leaves it open',
      'the reply of Gateway.map, request: JSON cannot express a value of type BigInt, so the document leaves it open',
    ]);
    expect(payloadIn(document, 'request.map')).toEqual({});
    expect(payloadIn(document, 'request.url')).toEqual({ type: 'string', format: 'binary' });
    expect(payloadIn(document, 'reply.url')).toEqual({ type: 'string', format: 'uri' });
    expect(document.components.schemas).toEqual({});
  });

  it('leaves a reference open to a class that the document does not have, with one warning', async () => {
    class Loose {
      @ApiProperty({ oneOf: [{ $ref: getSchemaPath(CatDto) }, { type: 'string' }] }) pet!: unknown;
      @ApiProperty({ oneOf: [{ $ref: getSchemaPath(CatDto) }] }) other!: unknown;
    }
    @WebwireGateway()
    class Gateway {
      @WebwireRequest('one') one(@MessageBody() _body: Loose) {}
      @WebwireRequest('two', { reply: { schema: { $ref: '#/components/schemas/Nobody' } } }) two() {}
    }
    const { document, warnings } = await documentOf([Gateway]);
    expect(Object.keys(document.components.schemas)).toEqual(['Loose']);
    expect(document.components.schemas.Loose).toMatchObject({
      properties: { pet: { oneOf: [{}, { type: 'string' }] }, other: { oneOf: [{}] } },
    });
    expect(payloadIn(document, 'reply.two')).toEqual({});
    expect(warnings).toHaveLength(2);
    const missing = (name: string) =>
      expect.stringContaining(`a schema refers to "${name}", which is not in the document`) as unknown;
    expect(warnings).toEqual(expect.arrayContaining([missing('CatDto'), missing('Nobody')]));
    expect(await complaints(document)).toEqual([]);
  });

  it('finds a class to which another one refers, if a handler has it', async () => {
    class Loose {
      @ApiProperty({ oneOf: [{ $ref: getSchemaPath(CatDto) }] }) pet!: unknown;
    }
    @WebwireGateway()
    class Gateway {
      @WebwireRequest('one') one(@MessageBody() _body: Loose) {}
      @WebwireRequest('two') two(@MessageBody() _body: CatDto) {}
    }
    const { document, warnings } = await documentOf([Gateway]);
    expect(document.components.schemas.Loose).toMatchObject({
      properties: { pet: { oneOf: [{ $ref: '#/components/schemas/CatDto' }] } },
    });
    expect(warnings).toEqual([]);
  });

  it('refuses a function that does not return a type, and names the handler', async () => {
    @WebwireGateway()
    class Gateway {
      @WebwireRequest('one', { reply: [() => undefined as never] }) one() {}
    }
    await expect(documentOf([Gateway])).rejects.toThrow(
      'WebWire option reply of Gateway.one, as its function returns it, is undefined, but must be a class',
    );
  });

  it('keeps two classes of the same name apart', async () => {
    class Other {
      @ApiProperty() city!: string;
    }
    Object.defineProperty(Other, 'name', { value: 'AddressDto' });
    @WebwireGateway()
    class Gateway {
      @WebwireRequest('one', { body: AddressDto }) one() {}
      @WebwireRequest('two', { body: Other }) two() {}
    }
    const { document } = await documentOf([Gateway]);
    expect(payloadIn(document, 'request.one')).toEqual({ $ref: '#/components/schemas/AddressDto' });
    expect(payloadIn(document, 'request.two')).toEqual({ $ref: '#/components/schemas/AddressDto2' });
    expect(document.components.schemas.AddressDto2).toMatchObject({ properties: { city: { type: 'string' } } });
  });

  it.each([
    [{ reply: 'text' }, 'request handler.reply'],
    [{ reply: z.string() }, 'request handler.reply'],
    [{ body: [] }, 'request handler.body'],
    [{ errors: { '': 'a' } }, 'request handler.errors'],
    [{ item: String }, 'no option request handler.item'],
  ])('refuses the options %o', (options, place) => {
    expect(() => WebwireRequest('a', options as never)).toThrow(place);
  });

  it('refuses a signal that no gateway can send', () => {
    expect(() => WebwireEmits('wwr:a', null)(class Gateway {})).toThrow('reserved');
    expect(() => WebwireEmits('a', 'text' as never)(class Gateway {})).toThrow('body of @WebwireEmits("a") of Gateway');
  });
});
