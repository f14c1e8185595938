// docs/client-connection.md
import type { WebwireConnection } from 'nestjs-webwire';
import { DisconnectedError, WebwireClient } from 'nestjs-webwire/client';

declare const url: string;
declare function showSignIn(reason: string): void;
declare function freshToken(): Promise<string>;

class Gateway {
  private readonly tokens = { verify: async (token: string | null) => token !== null };

  // block 2
}
{
  // block 1
}
{
  const client = {} as WebwireClient;

  // block 3
}
{
  // block 4
}
{
  // block 5
}
