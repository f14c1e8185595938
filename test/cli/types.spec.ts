import { Ajv, type AnySchema } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { writeTypes } from '../../lib/cli/types/write-types.js';
import { COMPONENTS, SHAPES, type Shape } from './shapes.js';

const FILE = '/shapes.ts';
const QUIET = { strict: false, logger: false } as const;

function documentWith(shapes: readonly Shape[]) {
  const key = (index: number) => `request.${index}`;
  const messages = Object.fromEntries(shapes.map(({ schema }, index) => [key(index), { payload: schema }]));
  const operations = shapes.map(({ name }, index) => [
    key(index),
    {
      action: 'receive',
      channel: { $ref: '#/channels/root' },
      messages: [{ $ref: `#/channels/root/messages/${key(index)}` }],
      'x-webwire': { kind: 'request', name },
    },
  ]);
  return {
    asyncapi: '3.0.0',
    info: { title: 'Shapes', version: '1' },
    channels: { root: { address: '/', messages } },
    operations: Object.fromEntries(operations) as object,
    components: { schemas: COMPONENTS },
  };
}

/** The errors of a program, as TypeScript reports them under `strict`: their lines and texts. */
function errorsIn(program: string): string[] {
  const options: ts.CompilerOptions = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2023, types: [] };
  const host = ts.createCompilerHost(options);
  const readFile = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version) =>
    name === FILE ? ts.createSourceFile(name, program, version) : readFile(name, version);
  const compiled = ts.createProgram([FILE], options, host);
  return ts.getPreEmitDiagnostics(compiled).map(({ file, start, messageText }) => {
    const line = file ? program.split('\n')[file.getLineAndCharacterOfPosition(start!).line] : '';
    return `${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

describe('the values of the shapes', () => {
  it.each(SHAPES.map((shape) => [shape.name, shape] as const))('%s fit their schema, or do not', (_name, shape) => {
    if (shape.name === 'no type') return;
    const ajv = shape.draft === 2020 ? new Ajv2020(QUIET) : new Ajv(QUIET);
    const text = JSON.stringify({ schema: shape.schema, definitions: COMPONENTS });
    const { schema, definitions } = JSON.parse(text.replaceAll('#/components/schemas/', '#/definitions/')) as {
      schema: object | boolean;
      definitions: object;
    };
    const validate = ajv.compile({ allOf: [schema], definitions } as AnySchema);
    expect(shape.valid.filter((value) => !validate(value))).toEqual([]);
    expect(shape.invalid.filter((value) => validate(value))).toEqual([]);
  });
});

describe('webwire types', () => {
  const types = writeTypes(documentWith(SHAPES));

  it('knows at least forty shapes', () => {
    expect(new Set(SHAPES.map(({ name }) => name)).size).toBe(SHAPES.length);
    expect(SHAPES.length).toBeGreaterThanOrEqual(40);
  });

  it('writes types that compile, and take valid values but no invalid ones', () => {
    const lines = SHAPES.flatMap(({ name, valid, invalid }) => {
      const type = `Api['requests'][${JSON.stringify(name)}][0]`;
      const use = (value: unknown) => `use<${type}>(${JSON.stringify(value)});`;
      return [...valid.map(use), ...invalid.flatMap((value) => ['// @ts-expect-error', use(value)])];
    });
    const program = [types, 'declare function use<Type>(value: Type): void;', ...lines].join('\n');
    expect(errorsIn(program)).toEqual([]);
  });

  it('writes interfaces, comments and names for readers', () => {
    const [channel] = [documentWith([])];
    const document = {
      ...channel,
      channels: {
        root: {
          address: '/',
          messages: {
            'request.rooms.create': { payload: { $ref: '#/components/schemas/Room' } },
            'reply.rooms.create': { payload: { type: 'array', items: { $ref: '#/components/schemas/Room' } } },
            'error.rooms.create': { payload: {} },
            'stream.ticks': {},
            'item.ticks': { payload: { type: 'number' } },
            'signal.typing': {},
            'serverSignal.message': { payload: { type: 'object', properties: { text: { type: 'string' } } } },
          },
        },
      },
      operations: {
        a: operation('request', 'rooms.create', 'reply'),
        b: operation('stream', 'ticks', 'item'),
        c: operation('signal', 'typing'),
        d: operation('serverSignal', 'message'),
      },
      components: {
        schemas: {
          Room: {
            type: 'object',
            description: 'A room',
            properties: { name: { type: 'string', description: 'Its name' }, open: { type: 'boolean' } },
            required: ['name'],
          },
        },
      },
    };
    expect(writeTypes(document))
      .toBe(`// Types of Shapes 1, written by \`webwire types\`. Changes are lost when it writes them again.

/** A room */
export interface Room {
  /** Its name */
  name: string;
  open?: boolean;
}

/** The requests, streams and signals at /, for \`WebwireClient<Api>\`. */
export interface Api {
  requests: {
    /** Opens */
    "rooms.create": [body: Room, reply: Room[]];
  };
  streams: {
    /** Opens */
    ticks: [body: void, item: number];
  };
  signals: {
    /** Opens */
    typing: void;
  };
  serverSignals: {
    /** Opens */
    message: {
      text?: string;
    };
  };
}
`);
  });

  it('writes one interface for each channel, named after it', () => {
    const document = {
      ...documentWith([]),
      channels: { root: { address: '/' }, 'admin_v1-4000': { address: '/admin' } },
    };
    expect(writeTypes(document)).toMatch(
      /export interface RootApi \{\n\}\n[^]*export interface AdminV14000Api \{\n\}\n/,
    );
  });

  it('compiles whatever a document has in its names and texts', () => {
    const odd = [
      '*/ x',
      '`${1}`',
      'class',
      '1',
      '',
      'Api',
      'a"b',
      '\u2028',
      '__proto__',
      'ä',
      'constructor',
      'new',
      'get',
      '\ud800',
      '@ts-expect-error',
      '\n * @ts-expect-error',
      '// @ts-nocheck',
      'm²',
      '½',
      '100%',
      'a/b',
      'a~1b',
    ];
    const document = {
      ...documentWith(
        odd.map((name) => ({ name, schema: { type: 'string', description: name }, valid: [], invalid: [] })),
      ),
      info: { title: odd.join('\n'), version: '*/' },
      channels: {
        root: { address: odd.join('\n'), messages: {} },
      },
      components: { schemas: Object.fromEntries(odd.map((name) => [name, { type: 'object', description: name }])) },
    };
    expect(errorsIn(writeTypes(document))).toEqual([]);
  });

  it('shows no text of a document in another way than it is', () => {
    const text = 'a\u202eb\u001b[31mc\u2066d\u0085e\ud800\tf 👨‍👩‍👧';
    const escaped = 'a\\u{202e}b\\u{1b}[31mc\\u{2066}d\\u{85}e\\u{d800} f 👨‍👩‍👧';
    const document = {
      ...documentWith([{ name: 'a\u202e', schema: { const: '\u202e', description: text }, valid: [], invalid: [] }]),
      info: { title: text },
      components: { schemas: { A: { type: 'string', description: text } } },
    };
    const written = writeTypes(document);
    expect(written).toContain(`// Types of ${escaped}`);
    expect(written).toContain(`/** ${escaped} */`);
    expect(written).toContain('"a\\u{202e}": [body: "\\u{202e}"');
    expect(errorsIn(written)).toEqual([]);
  });

  it('finds components whose names are escaped in references, or are not', () => {
    const names = ['100%', 'a/b', 'c~d'];
    const references = ['100%', '100%25', 'a~1b', 'a%2Fb', 'c~0d'];
    const document = {
      ...documentWith(
        references.map((name) => ({
          name,
          schema: { $ref: `#/components/schemas/${name}` },
          valid: [],
          invalid: [],
        })),
      ),
      components: {
        schemas: {
          ...Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
          'e f': { $ref: '#/components/schemas/e%20f' },
        },
      },
    };
    const written = writeTypes(document);
    for (const name of references) expect(written).toMatch(new RegExp(`"${name}": \\[body: (_100|AB|CD),`));
    expect(written).toContain('export type EF = unknown;');
    expect(errorsIn(written)).toEqual([]);
  });

  it('takes the last of several operations of one kind and name', () => {
    const document = documentWith([
      { name: 'a', schema: { type: 'string' }, valid: [], invalid: [] },
      { name: 'a', schema: { type: 'number' }, valid: [], invalid: [] },
    ]);
    const { operations } = document as { operations: Record<string, unknown> };
    const written = writeTypes({ ...document, operations: { x: operations['request.0'], y: operations['request.1'] } });
    expect(written).toContain('a: [body: number, ');
    expect(errorsIn(written)).toEqual([]);
  });

  it('writes undefined for a message without a body beside one with a body', () => {
    const to = (key: string) => ({ $ref: `#/channels/root/messages/${key}` });
    const document = {
      ...documentWith([]),
      channels: {
        root: { address: '/', messages: { 'request.a': { payload: { type: 'string' } }, 'reply.a': {}, empty: {} } },
      },
      operations: {
        a: {
          channel: { $ref: '#/channels/root' },
          messages: [to('request.a'), to('empty')],
          reply: { messages: [to('reply.a')] },
          'x-webwire': { kind: 'request', name: 'a' },
        },
      },
    };
    expect(writeTypes(document)).toContain('a: [body: string | undefined, reply: void];');
  });

  it('writes unknown for a schema that refers to nothing but itself, and for a reference to nothing', () => {
    const document = {
      ...documentWith([{ name: 'a', schema: { $ref: '#/components/schemas/None' }, valid: [], invalid: [] }]),
      components: {
        schemas: {
          Self: { $ref: '#/components/schemas/Self' },
          One: { anyOf: [{ $ref: '#/components/schemas/Other' }, { type: 'null' }] },
          Other: { allOf: [{ $ref: '#/components/schemas/One' }] },
        },
      },
    };
    const written = writeTypes(document);
    expect(written).toContain('export type Self = unknown;');
    expect(written).toContain('a: [body: unknown');
    expect(errorsIn(written)).toEqual([]);
  });

  it.each([[{}], [{ asyncapi: '2.6.0' }], [[]], [null], ['text']])('refuses %o', (document) => {
    expect(() => writeTypes(document)).toThrow('it is not a document of AsyncAPI 3');
  });
});

function operation(kind: string, name: string, noun?: 'reply' | 'item') {
  const to = (key: string) => ({ $ref: `#/channels/root/messages/${key}.${name}` });
  return {
    channel: { $ref: '#/channels/root' },
    summary: 'Opens',
    messages: [to(kind)],
    ...(noun && { reply: { messages: [to(noun), to('error')] } }),
    'x-webwire': { kind, name },
  };
}
