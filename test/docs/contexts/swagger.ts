// docs/documents.md
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { jsonCodec, WebwireGateway, WebwireModule, WebwireRequest, WebwireStream } from 'nestjs-webwire';

@Injectable()
class CatsService {
  async add(cat: CreateCatDto): Promise<CatDto> {
    return { ...cat, id: 1 };
  }
  async *births(): AsyncIterable<CatDto> {
    yield { id: 2, name: 'Kitten' };
  }
}

// block 2

@Module({ imports: [WebwireModule.forRoot({ sessions: false })], providers: [CatsGateway, CatsService] })
export class AppModule {}
