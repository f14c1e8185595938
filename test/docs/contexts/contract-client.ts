// docs/contracts.md
import { WebwireClient } from 'nestjs-webwire/client';
import { chat } from './contract.js';

declare function show(value: string | number): void;

// block 3
