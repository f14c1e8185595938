// docs/bytes.md
import { Injectable } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { RequestError, WebwireConnection, WebwireGateway, WebwireRequest, WebwireStream } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

@Injectable()
class FileStore {
  private readonly files: Buffer[] = [];
  async save(_name: string, content: Buffer): Promise<string> {
    return String(this.files.push(content));
  }
  async read(id: string): Promise<Buffer> {
    return this.files[Number(id) - 1]!;
  }
}

// block 1

// block 2

const app = await serve({ providers: [FilesGateway, FileStore] });

// block 3

const bytes = Uint8Array.from({ length: 150_000 }, (_, index) => index % 251);
const id = await upload(new File([bytes], 'moth.png'), (part) => console.log(`${100 * part} %`));
const copy = new Uint8Array(await (await download(id)).arrayBuffer());
console.log(
  copy.length,
  copy.every((byte, index) => byte === bytes[index]),
);
await client.request('upload.begin', { name: 'short', size: 10 });
for (const part of [new Uint8Array(11), new Uint8Array(0)]) {
  const refusal: unknown = await client.request('upload.part', part).catch((error: unknown) => error);
  if (refusal instanceof RequestError) console.log(`${refusal.code} (${refusal.message})`);
}
await client.close();
await app.close();

// Prints:
// 40 %
// 80 %
// 100 %
// 150000 true
// TOO_LONG ()
// BAD_REQUEST (expected bytes)
