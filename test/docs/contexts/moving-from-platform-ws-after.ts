// docs/moving-from-platform-ws.md
import { Module } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { jsonCodec, WebwireGateway, WebwireModule, WebwireRequest, WebwireService } from 'nestjs-webwire';

// block 2
