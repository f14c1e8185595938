import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ActivityService } from '../activity/activity.service.js';

/** Time for each word of a search, in ms. */
const TIME_PER_WORD = 500;

/** Stands for a slow service elsewhere: an HTTP server, which stops searching when its client goes away. */
@Injectable()
export class SlowArchive implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger('Archive');
  private readonly server = createServer((request, response) => {
    this.search(new URL(request.url!, 'http://localhost').searchParams.get('text') ?? '', response);
  });

  constructor(private readonly activity: ActivityService) {}

  async onModuleInit(): Promise<void> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
  }

  onModuleDestroy(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** URL of a search. */
  urlOf(text: string): URL {
    const url = new URL(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`);
    url.searchParams.set('text', text);
    return url;
  }

  private search(text: string, response: ServerResponse): void {
    const words = text.split(/\s+/).filter(Boolean);
    this.activity.searches++;
    const searching = setTimeout(() => {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(words.map((word) => `a document about ${word}`)));
    }, words.length * TIME_PER_WORD);
    response.on('close', () => {
      clearTimeout(searching);
      this.activity.searches--;
      this.logger.log(response.writableFinished ? 'A search has ended' : 'A search was stopped');
    });
  }
}
