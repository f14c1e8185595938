import type { ConnectionState } from '../client/chat-listener.js';
import { byId, setText } from './dom.js';

/** Text for each state. */
const TEXTS: Record<ConnectionState['status'], string> = {
  connecting: 'Connecting…',
  connected: 'Connected',
  reconnecting: 'Reconnecting…',
};

/** Shows the state of the connection. While it is lost, a bar shows the time until the next attempt, and a button to try now. */
export class ConnectionView {
  readonly #state = byId('connection');
  readonly #text = byId('connection-text');
  readonly #offline = byId('offline');
  readonly #offlineText = byId('offline-text');
  readonly #countdown = byId('offline-countdown');
  #ticking: ReturnType<typeof setInterval> | undefined;

  /**
   * @param retry Makes the next attempt now.
   * @param leave Called when the bar disappears while it has the focus, to move the focus elsewhere.
   */
  constructor(
    retry: () => void,
    private readonly leave: () => void,
  ) {
    byId('offline-retry').addEventListener('click', retry);
  }

  show(state: ConnectionState): void {
    clearInterval(this.#ticking);
    this.#state.dataset.status = state.status;
    setText(this.#text, TEXTS[state.status]);
    const hadFocus = this.#offline.contains(document.activeElement);
    this.#offline.hidden = state.status !== 'reconnecting';
    if (hadFocus && this.#offline.hidden) this.leave();
    // Screen readers read this constant text, but not the countdown.
    setText(this.#offlineText, state.status === 'reconnecting' ? 'The server cannot be reached.' : '');
    if (state.status !== 'reconnecting') return;
    const countDown = () => {
      const seconds = Math.ceil((state.nextAttemptAt - Date.now()) / 1_000);
      setText(this.#countdown, seconds > 0 ? `Next attempt in ${seconds} s` : 'Trying again…');
    };
    countDown();
    this.#ticking = setInterval(countDown, 250);
  }
}
