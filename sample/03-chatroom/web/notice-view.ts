import { byId } from './dom.js';

/** A sentence about what happened, until it is dismissed or another takes its place. */
export class NoticeView {
  readonly #notice = byId('notice');
  readonly #text = byId('notice-text');

  /** @param leave Called when it was dismissed, as the focus must go somewhere else. */
  constructor(leave: () => void) {
    byId('notice-dismiss').addEventListener('click', () => {
      this.hide();
      leave();
    });
  }

  show(text: string): void {
    this.#notice.hidden = false;
    this.#text.textContent = text;
  }

  hide(): void {
    this.#notice.hidden = true;
    this.#text.textContent = '';
  }
}
