import { crc32, deflateSync } from 'node:zlib';

/**
 * A PNG of 256 colours: the most frequent ones of a picture. Others become the nearest of them, which nobody sees in a picture of a
 * page, where they are the edges of letters. It is less than half as large as the PNG of a browser.
 * @param pixels Red, green, blue and alpha of each pixel. Pixels that are half transparent become opaque or transparent.
 */
export function encodePalettePng(pixels: Uint8Array, width: number): Buffer {
  const height = pixels.length / 4 / width;
  const colours = Array.from({ length: width * height }, (_, i) => colourOf(pixels.subarray(4 * i, 4 * i + 4)));
  const frequencies = new Map<number, number>();
  for (const colour of colours) frequencies.set(colour, (frequencies.get(colour) ?? 0) + 1);
  const frequent = [...frequencies].sort(([a, m], [b, n]) => n - m || a - b).map(([colour]) => colour);
  const palette = [TRANSPARENT, ...frequent.filter((colour) => colour !== TRANSPARENT).slice(0, 255)];
  const indices = new Map(frequent.map((colour) => [colour, nearest(palette, colour)]));

  // Each row begins with its filter, which is none.
  const rows = Buffer.alloc((width + 1) * height);
  for (const [i, colour] of colours.entries()) rows[i + Math.floor(i / width) + 1] = indices.get(colour)!;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3], 8); // 8 bits for a pixel, which is an index
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.flatMap((colour) => (colour === TRANSPARENT ? [0, 0, 0] : channels(colour))))),
    chunk('tRNS', Buffer.of(0)), // the alpha of the first colour
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const TRANSPARENT = -1;

function colourOf([red = 0, green = 0, blue = 0, alpha = 0]: Uint8Array): number {
  return alpha < 128 ? TRANSPARENT : (red << 16) | (green << 8) | blue;
}

function channels(colour: number): [number, number, number] {
  return [colour >> 16, (colour >> 8) & 255, colour & 255];
}

function nearest(palette: readonly number[], colour: number): number {
  const exact = palette.indexOf(colour);
  if (exact !== -1) return exact;
  const [red, green, blue] = channels(colour);
  const distances = palette.slice(1).map((other) => {
    const [r, g, b] = channels(other);
    return (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
  });
  return 1 + distances.indexOf(Math.min(...distances));
}

function chunk(type: string, data: Buffer): Buffer {
  const content = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(content));
  return Buffer.concat([length, content, checksum]);
}
