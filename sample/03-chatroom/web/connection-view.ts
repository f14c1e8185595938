import type { ConnectionState } from '../client/chat-client.js';
import { byId, setText } from './dom.js';

/** How it stands with the connection, with the seconds until the next attempt. */
export class ConnectionView {
  readonly #element = byId('connection');
  readonly #text = byId('connection-text');
  readonly #openingText = byId('opening-text');
  #ticking: ReturnType<typeof setInterval> | undefined;

  show(state: ConnectionState): void {
    clearInterval(this.#ticking);
    this.#element.dataset.status = state.status;
    this.#tell(state);
    if (state.status === 'reconnecting') this.#ticking = setInterval(() => this.#tell(state), 250);
  }

  #tell(state: ConnectionState): void {
    switch (state.status) {
      case 'connecting':
        setText(this.#text, 'Connecting…');
        setText(this.#openingText, 'Connecting…');
        break;
      case 'connected':
        setText(this.#text, 'Connected');
        setText(this.#openingText, 'Opening the chat room…');
        break;
      case 'reconnecting': {
        const seconds = Math.ceil((state.nextAttemptAt - Date.now()) / 1_000);
        setText(this.#text, seconds > 0 ? `Reconnecting in ${seconds} s` : 'Reconnecting…');
        setText(this.#openingText, 'The server cannot be reached at the moment. Trying again…');
        break;
      }
    }
  }
}
