import type { ConnectionState } from '../client/chat-listener.js';
import { byId, setText } from './dom.js';

/** What people see of each state. */
const TEXTS: Record<ConnectionState['status'], string> = {
  connecting: 'Connecting…',
  connected: 'Connected',
  reconnecting: 'Reconnecting…',
};

/** How it stands with the connection. While it is lost, a bar says when the next attempt is, and offers to make it now. */
export class ConnectionView {
  readonly #state = byId('connection');
  readonly #text = byId('connection-text');
  readonly #offline = byId('offline');
  readonly #offlineText = byId('offline-text');
  readonly #countdown = byId('offline-countdown');
  #ticking: ReturnType<typeof setInterval> | undefined;

  /**
   * @param retry Makes the next attempt now.
   * @param leave Called when the bar goes that had the focus, which must go somewhere else.
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
    // Only what does not change is read aloud.
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
