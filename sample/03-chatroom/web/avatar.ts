import type { Person } from '../api/chat-api.js';
import { make } from './dom.js';

/** Number of colours in the style sheet. */
const HUES = 6;

/** Shows the initial of a person in an element, in a colour of their own. It is decoration, as the name is beside it. */
export function showAvatar(element: HTMLElement, { id, name }: Person): void {
  let hash = 0;
  for (const character of id) hash = (hash * 49 + character.codePointAt(0)!) % 65_521;
  element.dataset.hue = String(hash % HUES);
  element.textContent = String.fromCodePoint(name.codePointAt(0) ?? 32).toUpperCase();
}

export function makeAvatar(person: Person): HTMLElement {
  const avatar = make('span', { class: 'avatar', attributes: { 'aria-hidden': 'true' } });
  showAvatar(avatar, person);
  return avatar;
}
