// docs/transports.md
import { MemoryTransport, WebwireGateway, WebwireModule, WsTransport } from 'nestjs-webwire';
import { decodeMessage } from 'nestjs-webwire/protocol';

// block 1

// block 2

// block 3
