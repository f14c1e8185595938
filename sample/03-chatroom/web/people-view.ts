import type { Person } from '../api/chat-api.js';
import { makeAvatar } from './avatar.js';
import { byId, make, setText } from './dom.js';

/** Shows the people in the room: beside the log or, on small screens, in a panel that a button opens. */
export class PeopleView {
  readonly #list = byId('people-list');
  readonly #panel = byId('people');
  readonly #toggle = byId('people-toggle', HTMLButtonElement);
  #shown: readonly Person[] = [];
  #me: string | undefined;

  constructor() {
    this.#toggle.addEventListener('click', () => this.#open(!this.#isOpen));
    document.addEventListener('keydown', ({ key }) => {
      if (key !== 'Escape' || !this.#isOpen) return;
      this.#open(false);
      this.#toggle.focus();
    });
  }

  show(people: readonly Person[], me: Person): void {
    if (people === this.#shown && me.id === this.#me) return;
    this.#shown = people;
    this.#me = me.id;
    setText(byId('people-count'), String(people.length));
    setText(byId('people-toggle-count'), String(people.length));
    this.#list.replaceChildren(...people.map((person) => item(person, person.id === me.id)));
  }

  close(): void {
    this.#open(false);
  }

  get #isOpen(): boolean {
    return this.#toggle.getAttribute('aria-expanded') === 'true';
  }

  #open(isOpen: boolean): void {
    this.#toggle.setAttribute('aria-expanded', String(isOpen));
    this.#panel.classList.toggle('is-open', isOpen);
  }
}

function item(person: Person, isMe: boolean): HTMLLIElement {
  const name = make('span', { class: 'person-name', text: person.name });
  const children = [makeAvatar(person), name];
  if (isMe) children.push(make('span', { class: 'person-you', text: '(you)' }));
  return make('li', { class: 'person', children });
}
