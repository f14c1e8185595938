import { TICKET_PATH } from '../api/chat-api.js';

/**
 * Asks the server for a ticket and adds it to a URL of the same server. The client calls it before each attempt to connect, because
 * a ticket expires within a minute.
 *
 * @throws Error if the server gives none: then the attempt has failed, and the client tries again.
 */
export async function withTicket(url: string): Promise<string> {
  const target = new URL(url);
  const tickets = new URL(TICKET_PATH, target);
  tickets.protocol = target.protocol.replace('ws', 'http');
  const response = await fetch(tickets, { method: 'POST' });
  if (!response.ok) throw new Error(`the server gives no ticket: HTTP ${response.status}`);
  const { ticket } = (await response.json()) as { ticket: string };
  target.searchParams.set('ticket', ticket);
  return target.href;
}
