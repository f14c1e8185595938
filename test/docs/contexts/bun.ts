// docs/transports.md
import { WebwireGateway } from 'nestjs-webwire';

// block 3
