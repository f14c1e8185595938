import { encodeMessage, MessageType, Payload } from 'nestjs-webwire/protocol';
import { describe as show, type WireClient } from '../support/wire-client.js';

/** Creates a session by the request `sign-in`; returns its key. */
export async function signIn(client: WireClient, name: string): Promise<string> {
  client.send('sign-in', name);
  const created = await client.next();
  if (created.type !== MessageType.SessionCreated) throw new Error(`no session was created: ${show(created)}`);
  const reply = show(await client.next());
  if (reply !== 'binary') throw new Error(`signing in was answered with ${reply}`);
  return new Payload('utf8', created.session).json<{ k: string }>().k;
}

/** Restores a session. Returns the kind of the answer. */
export async function restore(client: WireClient, sessionKey: string): Promise<string> {
  client.sendBytes(encodeMessage({ type: MessageType.RequestRestoreSession, id: new Uint8Array(8), sessionKey }));
  return outcome((await client.next()).type);
}

/** Closes the session of a connection, as clients do. */
export async function logOut(client: WireClient): Promise<string> {
  client.sendBytes(encodeMessage({ type: MessageType.RequestCloseSession, id: new Uint8Array(8) }));
  return outcome((await client.next()).type);
}

function outcome(type: number): string {
  switch (type) {
    case MessageType.ReplyUtf8:
      return 'restored';
    case MessageType.ReplyBinary:
      return 'closed';
    case MessageType.ReplySessionNotFound:
      return 'not found';
    case MessageType.ReplyMaxSessionConnectionsReached:
      return 'too many';
    case MessageType.ReplyInternalError:
      return 'internal error';
    default:
      return `type ${type}`;
  }
}
