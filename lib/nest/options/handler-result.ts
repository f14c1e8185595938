import type { HandlesMetadata } from '../decorators/metadata.js';

/** Classes of results that are neither an AsyncIterable nor an Observable. */
const SINGLE_VALUES = new Set<unknown>([
  String,
  Number,
  Boolean,
  Date,
  Array,
  Map,
  Set,
  ArrayBuffer,
  Uint8Array,
  Buffer,
]);

/**
 * Checks that the result of a method can be that of a handler, as far as it can be seen before the method runs.
 * @param handler `Class.method`, for the error.
 * @param returnType The class that TypeScript has written into the metadata of the method.
 * @throws TypeError that names the handler and says how to mend it.
 */
export function assertResult(
  kind: HandlesMetadata['kind'],
  handler: string,
  method: Function,
  returnType: unknown,
): void {
  const generator = generatorKind(method);
  if (kind === 'request' && generator) {
    throw new TypeError(
      `${handler} is ${generator}, but the handler of a request returns one reply: ` +
        'use @WebwireStream() to send each of its items',
    );
  }
  if (kind === 'signal' && generator) {
    throw new TypeError(
      `${handler} is ${generator}, which runs only while its items are read, but a signal has no reply: ` +
        'make it a method without an asterisk',
    );
  }
  if (kind !== 'stream') return;
  if (generator === 'a generator') {
    throw new TypeError(
      `${handler} is a generator that is not asynchronous, but a stream needs an AsyncIterable: write "async *" before its name`,
    );
  }
  if (SINGLE_VALUES.has(returnType)) {
    throw new TypeError(`${handler} returns a value of type ${(returnType as Function).name}, but ${STREAM_RESULT}`);
  }
}

/** Completes an error about the result of a stream handler. */
export const STREAM_RESULT =
  'the handler of a stream returns an AsyncIterable or an Observable: ' +
  'make it an async generator ("async *"), or use @WebwireRequest() for a single reply';

function generatorKind(method: Function): 'a generator' | 'an async generator' | undefined {
  const type = Object.prototype.toString.call(method);
  if (type === '[object AsyncGeneratorFunction]') return 'an async generator';
  return type === '[object GeneratorFunction]' ? 'a generator' : undefined;
}
