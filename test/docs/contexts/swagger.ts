// docs/documents.md
import { MessageBody } from '@nestjs/websockets';
import { jsonCodec, WebwireGateway, WebwireRequest, WebwireStream } from 'nestjs-webwire';

declare class CatsService {
  add(cat: CreateCatDto): Promise<CatDto>;
  births(): AsyncIterable<CatDto>;
}

// block 2
