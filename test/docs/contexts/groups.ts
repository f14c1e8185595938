// docs/groups.md
import { Injectable } from '@nestjs/common';
import { WebwireConnection, WebwireService } from 'nestjs-webwire';

declare class NewsGateway {}
interface Article {
  readonly title: string;
}
declare const webwire: WebwireService;
declare const connection: WebwireConnection;
declare const user: { id: string; name: string };

// block 1

// block 2
