// docs/options.md
import { ConfigModule, ConfigService } from '@nestjs/config';
import { WebwireModule } from 'nestjs-webwire';

// block 1
