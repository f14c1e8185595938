import { byId } from './dom.js';

/** Shows a notice until it is dismissed or replaced. */
export class NoticeView {
  readonly #notice = byId('notice');
  readonly #text = byId('notice-text');

  /** @param leave Called when the notice was dismissed, to move the focus elsewhere. */
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
