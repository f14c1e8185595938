// docs/client.md
import { jsonCodec, WebwireClient } from 'nestjs-webwire/client';

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

{
  // block 3
}
{
  // block 4
}
