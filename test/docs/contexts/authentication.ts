// docs/authentication.md
import { CanActivate, ExecutionContext, Injectable, UnauthorizedException } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Handshake, UseHandshakeGuards, WebwireGateway } from 'nestjs-webwire';

declare class TokensService {
  verify(token: string | undefined): Promise<{ name: string; isTrial: boolean } | undefined>;
}

// block 1
