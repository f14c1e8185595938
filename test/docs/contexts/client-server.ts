// docs/client.md
import type { WebwireConnection } from 'nestjs-webwire';

class Gateway {
  private readonly tokens = { verify: async (token: string | null) => token !== null };

  // block 5
}
