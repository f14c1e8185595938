// docs/transports.md
import { MemoryTransport, WebwireModule, WsTransport } from 'nestjs-webwire';
import { decodeMessage } from 'nestjs-webwire/protocol';

// block 1

// block 2
