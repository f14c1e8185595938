import { expect, it, onTestFinished, vi } from 'vitest';

const RealTextDecoder = TextDecoder;

/** Decodes only UTF-8, like the decoder of Hermes (React Native). */
class Utf8OnlyDecoder {
  readonly #decoder: InstanceType<typeof RealTextDecoder>;

  constructor(encoding: string, options: { ignoreBOM?: boolean }) {
    if (encoding !== 'utf-8') throw new RangeError(`Unknown encoding: ${encoding}`);
    this.#decoder = new RealTextDecoder(encoding, options);
  }

  decode(bytes: Uint8Array): string {
    return this.#decoder.decode(bytes);
  }
}

it.each([
  '',
  '6869',
  '68006900',
  'fffe6800', // a byte-order mark is kept
  '3dd800de', // a surrogate pair
  '3dd8', // half a pair
  '00de3dd86100',
  '680069', // an odd byte
  '3dd800', // half a pair and an odd byte
  '6100'.repeat(10_000),
])('UTF-16 is decoded in the same way if TextDecoder supports UTF-8 only: %s', async (hex) => {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
  const { Payload } = await import('nestjs-webwire/protocol');
  const expected = new Payload('utf16', bytes).text();
  vi.resetModules();
  vi.stubGlobal('TextDecoder', Utf8OnlyDecoder);
  onTestFinished(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });
  const { Payload: HermesPayload } = await import('nestjs-webwire/protocol');
  expect(new HermesPayload('utf16', bytes).text()).toBe(expected);
});
