import { Injectable, Module } from '@nestjs/common';
import { EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { WebwireService } from 'nestjs-webwire';

export interface ArticlePublished {
  section: string;
  title: string;
}

@Injectable()
export class ArticleSignals {
  constructor(private readonly webwire: WebwireService) {}

  @OnEvent('article.published')
  published({ section, title }: ArticlePublished) {
    this.webwire.signalGroup(`section ${section}`, 'published', title);
  }
}

@Module({ imports: [EventEmitterModule.forRoot()], providers: [ArticleSignals] })
export class ArticlesModule {}
