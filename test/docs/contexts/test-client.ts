// docs/testing.md
import { expect, it } from 'vitest';

declare class AppModule {}

// block 1
