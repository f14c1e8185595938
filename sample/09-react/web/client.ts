import { jsonCodec, WebwireClient } from 'nestjs-webwire/client';
import type { PollApi } from '../api/poll-api.js';

/** Made once, outside of the components: `useWebwire()` connects it. */
export const client = new WebwireClient<PollApi>('/', { codec: jsonCodec, reconnect: { maxDelay: 2_000 } });
