import { MAX_TEXT_LENGTH } from '../api/chat-api.js';
import { byId, setText } from './dom.js';

/** The number of remaining characters is shown from this number on. */
const COUNTED = 100;

/** Shortest interval between typing signals, in ms. */
const TYPING_INTERVAL = 2_000;

export interface ComposerActions {
  send(text: string): void;
  typing(): void;
}

/** The input for messages. Enter sends, Shift+Enter starts a new line. */
export class ComposerView {
  readonly #text = byId('composer-text', HTMLTextAreaElement);
  readonly #hint = byId('composer-hint');
  readonly #count = byId('composer-count');
  #typedAt = 0;

  constructor(private readonly actions: ComposerActions) {
    byId('composer').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener('keydown', (event) => {
      // While an input method composes text, Enter accepts its proposal.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener('input', () => {
      this.#update();
      const now = Date.now();
      if (this.#text.value.trim() === '' || now - this.#typedAt < TYPING_INTERVAL) return;
      this.#typedAt = now;
      this.actions.typing();
    });
  }

  focus(): void {
    this.#text.focus();
  }

  clear(): void {
    this.#text.value = '';
    this.#update();
  }

  /** Updates the hint about the Enter key. */
  showConnected(isConnected: boolean): void {
    const text = isConnected
      ? 'Enter sends, Shift + Enter starts a new line'
      : 'No connection: what you send now is sent when it is back';
    setText(this.#hint, text);
    this.#hint.classList.toggle('is-waiting', !isConnected);
  }

  #send(): void {
    const text = this.#text.value.trim();
    if (text.length > 0 && text.length <= MAX_TEXT_LENGTH) {
      this.clear();
      this.#typedAt = 0;
      this.actions.send(text);
    }
    this.#text.focus();
  }

  /** Adjusts the height to the text, and shows the number of remaining characters near the limit. */
  #update(): void {
    this.#text.style.height = '';
    if (this.#text.value !== '') this.#text.style.height = `${this.#text.scrollHeight}px`;
    const left = MAX_TEXT_LENGTH - this.#text.value.trim().length;
    this.#count.classList.toggle('is-exceeded', left < 0);
    this.#text.ariaInvalid = left < 0 ? 'true' : null;
    const characters = Math.abs(left) === 1 ? '1 character' : `${Math.abs(left)} characters`;
    if (left >= COUNTED) this.#count.textContent = '';
    else this.#count.textContent = left < 0 ? `${characters} too many` : `${characters} left`;
  }
}
