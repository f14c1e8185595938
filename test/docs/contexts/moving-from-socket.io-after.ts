// docs/moving-from-socket.io.md
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { jsonCodec, WebwireConnection, WebwireGateway, WebwireRequest, WebwireService } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';

declare function token(): string;
declare function show(body: unknown): void;

// block 3

// block 4
