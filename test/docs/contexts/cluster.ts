// docs/cluster.md
import { WebwireModule } from 'nestjs-webwire';

// block 1

declare function alert(text: string): void;
declare function report(count: number): void;

// block 2
