import { DEMO_ACCOUNTS } from '../api/demo-accounts.js';
import { makeAvatar } from './avatar.js';
import { byId, make } from './dom.js';

/** The form for signing in, with the demo accounts. */
export class SignInView {
  readonly #form = byId('sign-in', HTMLFormElement);
  readonly #name = byId('name', HTMLInputElement);
  readonly #password = byId('password', HTMLInputElement);
  readonly #error = byId('sign-in-error');
  readonly #submit = byId('sign-in-submit', HTMLButtonElement);

  /** @param signIn Signs in. The message of its error is shown. */
  constructor(private readonly signIn: (name: string, password: string) => Promise<void>) {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#signIn();
    });
    byId('accounts').append(...DEMO_ACCOUNTS.map((account) => this.#accountButton(account)));
  }

  focus(): void {
    this.#name.focus();
  }

  /** Clears the form for another person. */
  reset(): void {
    this.#form.reset();
    this.#showError('');
  }

  async #signIn(): Promise<void> {
    if (this.#submit.ariaDisabled === 'true') return;
    const missing = [this.#name, this.#password].find(({ value }) => value.trim() === '');
    if (missing) {
      this.#showError(missing === this.#name ? 'Enter your name' : 'Enter your password', missing);
      return;
    }
    this.#showError('');
    // The button is not disabled, as it would lose the focus.
    this.#submit.ariaDisabled = 'true';
    this.#submit.textContent = 'Signing in…';
    try {
      await this.signIn(this.#name.value.trim(), this.#password.value);
      this.#form.reset();
    } catch (error) {
      this.#showError((error as Error).message, this.#password);
      this.#password.select();
    } finally {
      this.#submit.ariaDisabled = null;
      this.#submit.textContent = 'Sign in';
    }
  }

  #showError(text: string, field?: HTMLInputElement): void {
    this.#error.textContent = text;
    for (const input of [this.#name, this.#password]) input.ariaInvalid = input === field ? 'true' : null;
    field?.focus();
  }

  #accountButton({ id, name, password }: (typeof DEMO_ACCOUNTS)[number]): HTMLLIElement {
    const button = make('button', {
      class: 'account-choice',
      attributes: { type: 'button' },
      children: [
        makeAvatar({ id, name }),
        make('span', {
          class: 'account-text',
          children: [
            make('span', { class: 'visually-hidden', text: 'Fill in ' }),
            make('span', { class: 'account-name', text: `${name} ` }),
            make('code', { class: 'account-password', text: password }),
          ],
        }),
      ],
    });
    button.addEventListener('click', () => {
      this.#name.value = name;
      this.#password.value = password;
      this.#showError('');
      this.#submit.focus();
    });
    return make('li', { children: [button] });
  }
}
