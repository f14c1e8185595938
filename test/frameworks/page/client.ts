import { jsonCodec, WebwireClient } from 'nestjs-webwire/client';
import type { StocksApi } from './stocks-api';

export const client = new WebwireClient<StocksApi>('/stocks', { codec: jsonCodec });

// It tries until there is a connection. Until then, the error is in the snapshot.
client.connect({ retry: true }).catch(() => undefined);
