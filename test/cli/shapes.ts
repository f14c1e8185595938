/** A schema, values that fit it, and values that do not. */
export interface Shape {
  readonly name: string;
  readonly schema: unknown;
  readonly valid: readonly unknown[];
  /** Values whose mistake a type can express. */
  readonly invalid: readonly unknown[];
  /** The draft of the schema. @default 7 */
  readonly draft?: 2020;
}

const point = { type: 'object', properties: { x: { type: 'number' }, y: { type: 'number' } }, required: ['x', 'y'] };

/** Schemas that others refer to. */
export const COMPONENTS: Record<string, unknown> = {
  Point: point,
  'rooms.Room': { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
  Tree: {
    type: 'object',
    properties: {
      value: { type: 'number' },
      children: { type: 'array', items: { $ref: '#/components/schemas/Tree' } },
    },
    required: ['value'],
  },
  Json: {
    anyOf: [
      { type: ['string', 'number', 'boolean', 'null'] },
      { type: 'array', items: { $ref: '#/components/schemas/Json' } },
      { type: 'object', additionalProperties: { $ref: '#/components/schemas/Json' } },
    ],
  },
  Even: { type: 'object', properties: { next: { $ref: '#/components/schemas/Odd' } } },
  Odd: { type: 'object', properties: { next: { $ref: '#/components/schemas/Even' } }, required: ['next'] },
  Cat: {
    type: 'object',
    properties: { kind: { const: 'cat' }, lives: { type: 'integer' } },
    required: ['kind', 'lives'],
  },
  Dog: {
    type: 'object',
    properties: { kind: { const: 'dog' }, good: { type: 'boolean' } },
    required: ['kind', 'good'],
  },
  Pet: { oneOf: [{ $ref: '#/components/schemas/Cat' }, { $ref: '#/components/schemas/Dog' }] },
  string: { type: 'string' },
};

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

export const SHAPES: readonly Shape[] = [
  { name: 'anything', schema: {}, valid: [1, 'a', null, [], {}], invalid: [] },
  { name: 'true', schema: true, valid: [1, null, {}], invalid: [] },
  { name: 'false', schema: false, valid: [], invalid: [1, null, {}] },
  { name: 'not anything', schema: { not: {} }, valid: [], invalid: [1, 'a'] },
  { name: 'string', schema: { type: 'string' }, valid: ['', 'a'], invalid: [1, null, true, {}, []] },
  { name: 'string with limits', schema: { type: 'string', minLength: 1, pattern: '^a' }, valid: ['a'], invalid: [1] },
  { name: 'date-time', schema: { type: 'string', format: 'date-time' }, valid: ['2020-01-01T00:00:00Z'], invalid: [1] },
  { name: 'number', schema: { type: 'number' }, valid: [0, 1.5], invalid: ['1', null, false] },
  { name: 'integer', schema: { type: 'integer', minimum: 0 }, valid: [0, 1], invalid: ['1', null] },
  { name: 'boolean', schema: { type: 'boolean' }, valid: [true, false], invalid: [0, 'true', null] },
  { name: 'null', schema: { type: 'null' }, valid: [null], invalid: [0, '', false] },
  { name: 'several types', schema: { type: ['string', 'null'] }, valid: ['a', null], invalid: [1, true] },
  { name: 'no type', schema: { type: [] }, valid: [1], invalid: [] },
  { name: 'constant', schema: { const: 'a' }, valid: ['a'], invalid: ['b', 1, null] },
  { name: 'constant object', schema: { const: { a: [1, null] } }, valid: [{ a: [1, null] }], invalid: [{ a: [2] }, 1] },
  { name: 'constant null', schema: { const: null }, valid: [null], invalid: [0] },
  {
    name: 'enumeration',
    schema: { enum: ['a', 1, null, true] },
    valid: ['a', 1, null, true],
    invalid: ['b', 2, false],
  },
  { name: 'typed enumeration', schema: { type: 'string', enum: ['a', 'b'] }, valid: ['a', 'b'], invalid: ['c', 1] },
  { name: 'enumeration of a narrower type', schema: { type: 'string', enum: ['a', 1] }, valid: ['a'], invalid: [1] },
  { name: 'enumeration of integers', schema: { type: 'integer', enum: [1, 2] }, valid: [1, 2], invalid: [3, '1'] },
  {
    name: 'quoted text',
    schema: { enum: ['it\'s "q"', 'a\nb', '\u2028', '*/'] },
    valid: ['a\nb', '*/'],
    invalid: ['q'],
  },
  { name: 'array', schema: { type: 'array', items: { type: 'string' } }, valid: [[], ['a']], invalid: [[1], 'a', {}] },
  { name: 'array of anything', schema: { type: 'array' }, valid: [[], [1, 'a']], invalid: [{}, 1, 'a'] },
  {
    name: 'array of alternatives',
    schema: { type: 'array', items: { type: ['string', 'number'] } },
    valid: [['a', 1]],
    invalid: [[null], ['a', true]],
  },
  {
    name: 'nested arrays',
    schema: { type: 'array', items: { type: 'array', items: { type: 'number' } } },
    valid: [[[1], []]],
    invalid: [[1], [['a']]],
  },
  {
    name: 'tuple of draft 7',
    schema: { type: 'array', items: [{ type: 'string' }, { type: 'number' }], minItems: 2, additionalItems: false },
    valid: [['a', 1]],
    invalid: [['a'], [1, 'a'], ['a', 1, 2]],
  },
  {
    name: 'tuple with optional items',
    schema: { type: 'array', items: [{ type: 'string' }, { type: 'number' }], minItems: 1, additionalItems: false },
    valid: [['a'], ['a', 1]],
    invalid: [[], ['a', 'b']],
  },
  {
    name: 'tuple with a rest',
    schema: { type: 'array', items: [{ type: 'string' }], minItems: 1, additionalItems: { type: 'number' } },
    valid: [['a'], ['a', 1, 2]],
    invalid: [[], ['a', 'b']],
  },
  {
    name: 'tuple of later drafts',
    draft: 2020,
    schema: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'null' }], minItems: 2, items: false },
    valid: [['a', null]],
    invalid: [['a'], [null, 'a'], ['a', null, 1]],
  },
  { name: 'no items', draft: 2020, schema: { type: 'array', items: false }, valid: [[]], invalid: [[1]] },
  { name: 'object', schema: point, valid: [{ x: 1, y: 2 }], invalid: [{ x: 1 }, { x: 1, y: 'a' }, 1, [], null] },
  {
    name: 'optional properties',
    schema: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } }, required: ['a'] },
    valid: [{ a: 'a' }, { a: 'a', b: 1 }],
    invalid: [{}, { b: 1 }, { a: 'a', b: null }],
  },
  { name: 'any object', schema: { type: 'object' }, valid: [{}, { a: 1 }], invalid: [1, 'a', null, [1]] },
  {
    name: 'empty object',
    schema: { type: 'object', additionalProperties: false },
    valid: [{}],
    invalid: [{ a: 1 }, 1],
  },
  {
    name: 'closed object',
    schema: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false },
    valid: [{ a: 'a' }],
    invalid: [{ a: 'a', b: 1 }],
  },
  {
    name: 'open object',
    schema: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: true },
    valid: [{ a: 'a', b: 1 }],
    invalid: [{ b: 1 }, { a: 1 }],
  },
  {
    name: 'map',
    schema: { type: 'object', additionalProperties: { type: 'number' } },
    valid: [{}, { a: 1 }],
    invalid: [{ a: 'a' }, [1]],
  },
  {
    name: 'map with named properties',
    schema: {
      type: 'object',
      properties: { id: { type: 'string' }, at: { type: 'boolean' } },
      required: ['id'],
      additionalProperties: { type: 'number' },
    },
    valid: [{ id: 'a' }, { id: 'a', at: true, b: 1 }],
    invalid: [{ b: 1 }, { id: 1 }],
  },
  {
    name: 'patterns of names',
    schema: { type: 'object', patternProperties: { '^a': { type: 'number' } }, additionalProperties: false },
    valid: [{ a: 1, ab: 2 }],
    invalid: [{ a: 'a' }],
  },
  {
    name: 'required without a description',
    schema: { type: 'object', required: ['a'] },
    valid: [{ a: 1 }],
    invalid: [{}, 1],
  },
  {
    name: 'odd names',
    schema: {
      type: 'object',
      properties: {
        'a b': { type: 'number' },
        '': { type: 'number' },
        'x-y': { type: 'number' },
        class: { type: 'number' },
      },
      required: ['a b', '', 'x-y', 'class'],
    },
    valid: [{ 'a b': 1, '': 2, 'x-y': 3, class: 4 }],
    invalid: [{ 'a b': 1 }, { 'a b': 'a', '': 2, 'x-y': 3, class: 4 }],
  },
  {
    name: 'nested objects',
    schema: {
      type: 'object',
      properties: { a: { type: 'object', properties: { b: point }, required: ['b'] } },
      required: ['a'],
    },
    valid: [{ a: { b: { x: 1, y: 2 } } }],
    invalid: [{ a: {} }, { a: { b: { x: 1 } } }],
  },
  { name: 'reference', schema: ref('Point'), valid: [{ x: 1, y: 2 }], invalid: [{ x: 1 }, null] },
  { name: 'reference to an odd name', schema: ref('rooms.Room'), valid: [{ name: 'a' }], invalid: [{}, { name: 1 }] },
  { name: 'reference to the name of a keyword', schema: ref('string'), valid: ['a'], invalid: [1] },
  {
    name: 'recursion',
    schema: ref('Tree'),
    valid: [{ value: 1 }, { value: 1, children: [{ value: 2, children: [] }] }],
    invalid: [{ children: [] }, { value: 1, children: [{ value: 'a' }] }],
  },
  {
    name: 'recursive alternatives',
    schema: ref('Json'),
    valid: [1, 'a', null, [1, ['a']], { a: { b: [null] } }],
    invalid: [],
  },
  {
    name: 'mutual recursion',
    schema: ref('Even'),
    valid: [{}, { next: { next: {} } }],
    invalid: [{ next: {} }, { next: 1 }],
  },
  {
    name: 'anyOf',
    schema: { anyOf: [{ type: 'string' }, point] },
    valid: ['a', { x: 1, y: 2 }],
    invalid: [1, { x: 1 }],
  },
  {
    name: 'oneOf with a discriminator',
    schema: ref('Pet'),
    valid: [
      { kind: 'cat', lives: 9 },
      { kind: 'dog', good: true },
    ],
    invalid: [{ kind: 'dog', lives: 9 }, { kind: 'fish' }],
  },
  {
    name: 'allOf',
    schema: { allOf: [ref('Point'), { type: 'object', properties: { z: { type: 'number' } }, required: ['z'] }] },
    valid: [{ x: 1, y: 2, z: 3 }],
    invalid: [{ x: 1, y: 2 }, { z: 3 }],
  },
  {
    name: 'allOf of alternatives',
    schema: { allOf: [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, { type: ['string', 'boolean'] }] },
    valid: ['a'],
    invalid: [1, true],
  },
  {
    name: 'reference with a description',
    schema: { description: 'A point', allOf: [ref('Point')] },
    valid: [{ x: 1, y: 2 }],
    invalid: [1],
  },
  {
    name: 'optional reference that may be null',
    schema: { anyOf: [ref('Point'), { type: 'null' }] },
    valid: [{ x: 1, y: 2 }, null],
    invalid: [1, { x: 1 }],
  },
  {
    name: 'properties beside alternatives',
    schema: {
      type: 'object',
      properties: { id: { type: 'number' } },
      required: ['id'],
      oneOf: [
        { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
        { type: 'object', properties: { b: { type: 'string' } }, required: ['b'] },
      ],
    },
    valid: [
      { id: 1, a: 'a' },
      { id: 1, b: 'b' },
    ],
    invalid: [{ id: 1 }, { a: 'a' }],
  },
  {
    name: 'comments that end early',
    schema: {
      type: 'object',
      description: 'a */ b\n@x',
      properties: { a: { type: 'string', description: 'one\ntwo */', deprecated: true } },
    },
    valid: [{ a: 'a' }],
    invalid: [{ a: 1 }],
  },
  {
    name: 'properties without a type',
    schema: { properties: { a: { type: 'string' } }, required: ['a'] },
    valid: [{ a: 'a' }],
    invalid: [{ a: 1 }],
  },
];
