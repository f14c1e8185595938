import { byId } from './dom.js';

/** A sentence about what happened, until it is dismissed or another takes its place. */
export class NoticeView {
  readonly #notice = byId('notice');
  readonly #text = byId('notice-text');

  constructor() {
    byId('notice-dismiss').addEventListener('click', () => this.hide());
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
