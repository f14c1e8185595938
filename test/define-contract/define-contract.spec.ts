import { type as arktype } from 'arktype';
import { ContractError, defineContract } from 'nestjs-webwire/contract';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const Text = z.string();

describe('a contract', () => {
  it('has entries that carry their name, kind and details', () => {
    const errors = { NAME_TAKEN: 'another room has this name' };
    const contract = defineContract({
      requests: { 'rooms.create': { body: Text, reply: Text, errors, summary: 'Opens a room', deprecated: true } },
      streams: { ticks: { item: Text, description: 'Prices' } },
      signals: { typing: {} },
      serverSignals: { message: { body: Text } },
    });
    expect(contract.requests['rooms.create']).toEqual({
      kind: 'request',
      name: 'rooms.create',
      body: Text,
      reply: Text,
      errors,
      summary: 'Opens a room',
      deprecated: true,
    });
    expect(contract.streams.ticks).toEqual({ kind: 'stream', name: 'ticks', item: Text, description: 'Prices' });
    expect(contract.signals.typing).toEqual({ kind: 'signal', name: 'typing' });
    expect(contract.serverSignals.message).toEqual({ kind: 'serverSignal', name: 'message', body: Text });
  });

  it('is frozen, as are its parts and entries', () => {
    const contract = defineContract({ requests: { a: { body: Text } } });
    for (const part of [contract, contract.requests, contract.requests.a, contract.streams]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('can be logged and compared: entries show no reference to the whole', () => {
    const contract = defineContract({ signals: { typing: {} } });
    expect(Object.keys(contract)).toEqual(['requests', 'streams', 'signals', 'serverSignals']);
    expect(JSON.stringify(contract.signals)).toBe('{"typing":{"kind":"signal","name":"typing"}}');
  });

  it('may be empty', () => {
    expect(defineContract({})).toEqual({ requests: {}, streams: {}, signals: {}, serverSignals: {} });
  });

  it('takes schemas of zod, valibot and arktype, also those that are functions', () => {
    expect(() => defineContract({ requests: { a: { body: v.string(), reply: arktype('string') } } })).not.toThrow();
  });

  it('has names such as __proto__ and constructor as any other', () => {
    const spec = Object.fromEntries([
      ['__proto__', {}],
      ['constructor', {}],
    ]);
    const contract = defineContract({ requests: spec });
    expect(Object.keys(contract.requests)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(contract.requests)).toBe(Object.prototype);
  });

  it('may have a request without a name', () => {
    expect(defineContract({ requests: { '': { body: Text } } }).requests[''].name).toBe('');
  });

  it('may have a request and a signal of one name', () => {
    expect(() => defineContract({ requests: { a: {} }, signals: { a: {} }, serverSignals: { a: {} } })).not.toThrow();
  });
});

describe('defineContract() refuses', () => {
  it.each<[what: string, spec: unknown, message: string]>([
    ['nothing', undefined, 'the argument of defineContract() is undefined, but must be an object with requests'],
    ['a list', [], 'the argument of defineContract() is of type object, but must be an object'],
    ['an unknown part', { request: {} }, 'the contract has the member "request", but may only have requests, streams'],
    [
      'a part that is no object',
      { requests: 5 },
      'requests is of type number, but must be an object of entries by name',
    ],
    ['a part that is null', { signals: null }, 'signals is null, but must be an object of entries by name'],
    [
      'a name that is too long',
      { requests: { ['a'.repeat(256)]: {} } },
      'names are at most 255 printable ASCII characters',
    ],
    ['a name with other characters', { requests: { ä: {} } }, 'requests: "ä" cannot be a name'],
    ['a name with a control character', { signals: { 'a\n': {} } }, 'signals: "a\\n" cannot be a name'],
    [
      'a reserved name',
      { streams: { 'wwr:a': {} } },
      'streams: "wwr:a" cannot be a name: those that begin with "wwr:"',
    ],
    ['a signal without name and body', { signals: { '': {} } }, 'cannot be the name of an entry without a body'],
    ['a request without name and body', { requests: { '': { reply: Text } } }, 'requests: "" cannot be the name of'],
    ['a stream without name and body', { streams: { '': { item: Text } } }, 'streams: "" cannot be the name of'],
    [
      'a schema in place of an entry',
      { requests: { a: Text } },
      'requests["a"] is a schema, but must be an entry, such as { body: schema, reply: schema }',
    ],
    ['an entry that is no object', { requests: { a: null } }, 'requests["a"] is null, but must be an entry'],
    [
      'an entry that is undefined',
      { requests: { a: undefined } },
      'requests["a"] is undefined, but must be an entry, such as { body: schema, reply: schema } (do two files import each other?)',
    ],
    [
      'an unknown member',
      { requests: { a: { bod: Text } } },
      'requests["a"] has the member "bod", but may only have body, reply, errors',
    ],
    [
      'a reply of a stream',
      { streams: { a: { reply: Text } } },
      'streams["a"] has the member "reply", but may only have body, item',
    ],
    [
      'a reply of a signal',
      { signals: { a: { reply: Text } } },
      'signals["a"] has the member "reply", but may only have body, summary',
    ],
    [
      'a body that is no schema',
      { requests: { a: { body: { name: 'string' } } } },
      'requests["a"].body is of type object, but must be a schema that implements Standard Schema',
    ],
    [
      'a class as a body',
      { requests: { a: { body: class Dto {} } } },
      'requests["a"].body is of type function, but must be a schema',
    ],
    [
      'a body that is undefined',
      { signals: { a: { body: undefined } } },
      'signals["a"].body is undefined, but must be a schema that implements Standard Schema (zod, valibot, arktype, …) (do two files import each other?)',
    ],
    [
      'a schema of another version',
      { signals: { a: { body: { '~standard': { version: 2, validate() {} } } } } },
      'signals["a"].body is of type object',
    ],
    [
      'errors that are no object',
      { requests: { a: { errors: ['A'] } } },
      'requests["a"].errors is of type object, but must be an object of meanings by code',
    ],
    [
      'an empty error code',
      { requests: { a: { errors: { '': 'b' } } } },
      'the code "" must be 1 to 255 printable ASCII characters',
    ],
    ['an error code with other characters', { requests: { a: { errors: { ü: 'b' } } } }, 'the code "ü" must be'],
    [
      'an error without a meaning',
      { requests: { a: { errors: { A: 5 } } } },
      'requests["a"].errors["A"] is of type number, but must be a string',
    ],
    [
      'a summary that is no text',
      { requests: { a: { summary: 5 } } },
      'requests["a"].summary is of type number, but must be a string',
    ],
    [
      'a deprecation that is no boolean',
      { requests: { a: { deprecated: 'yes' } } },
      'requests["a"].deprecated is of type string, but must be a boolean',
    ],
    [
      'a request and a stream of one name',
      { requests: { a: {} }, streams: { a: {} } },
      '"a" is the name of both a request and a stream',
    ],
  ])('%s', (_what, spec, message) => {
    const define = () => defineContract(spec as never);
    expect(define).toThrow(TypeError);
    expect(define).toThrow(message);
  });
});

describe('a ContractError', () => {
  const issues = [{ message: 'bad', path: ['a', 0] }, { message: 'worse' }];

  it('names paths and reasons, and has a code', () => {
    const error = new ContractError('the reply to "a"', issues);
    expect(error.message).toBe('the reply to "a" does not fit the contract: a[0]: bad; worse');
    expect(error).toMatchObject({ name: 'ContractError', code: 'CONTRACT_VIOLATION' });
  });

  it('has the issues, which loggers do not print', () => {
    const error = new ContractError('the reply to "a"', issues);
    expect(error.issues).toBe(issues);
    expect(Object.keys(error)).not.toContain('issues');
  });
});
