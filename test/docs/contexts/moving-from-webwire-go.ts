// docs/moving-from-webwire-go.md
import { ConnectedSocket } from '@nestjs/websockets';
import { WebwireConnection, WebwireGateway, WebwireRequest } from 'nestjs-webwire';

// block 1
