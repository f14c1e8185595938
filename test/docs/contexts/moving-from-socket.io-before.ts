// docs/moving-from-socket.io.md
import type { Server } from 'socket.io';

declare const token: string;
declare function show(text: string): void;

{
  const io = {} as Server;

  // block 1
}
{
  /** The part of `socket.io-client` that the page uses. */
  const io = {} as (
    url: string,
    options: { auth: { token: string } },
  ) => {
    on(event: string, listener: (text: string) => void): void;
    timeout(milliseconds: number): { emitWithAck(event: string, room: string): Promise<{ members: number }> };
  };

  // block 2
}
