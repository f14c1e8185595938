// docs/platforms.md
import { WebwireClient } from 'nestjs-webwire/client';

// block 3
