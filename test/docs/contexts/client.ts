// docs/client.md
import { DisconnectedError, jsonCodec, WebwireClient } from 'nestjs-webwire/client';

interface Room {
  readonly name: string;
}
interface Credentials {
  readonly name: string;
  readonly password: string;
}
interface Tick {
  readonly price: number;
}
interface ChatMessage {
  readonly text: string;
}
declare const url: string;
declare function show(value: unknown): void;
declare function showSignIn(reason: string): void;
declare function freshToken(): Promise<string>;

{
  // block 3
}
{
  // block 4
}
{
  const client = {} as WebwireClient;

  // block 6
}
{
  // block 7
}
{
  // block 8
}
{
  // block 10
}
