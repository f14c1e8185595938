import type { ChatMessage, Person } from '../api/chat-api.js';
import type { OutgoingMessage } from '../client/outbox.js';
import { makeAvatar } from './avatar.js';
import { make } from './dom.js';
import { linkify } from './links.js';
import { dayOf, fullTime, isSameDay, timeOfDay } from './times.js';

/** Successive messages of one person are shown as a group if the time between them is shorter, in ms. */
const GROUP_GAP = 5 * 60_000;

export function makeMessage(message: ChatMessage, previous: ChatMessage | undefined, me: Person): HTMLLIElement {
  const { sender, sentAt, text } = message;
  const isOwn = sender.id === me.id;
  const isNewDay = !previous || !isSameDay(previous.sentAt, sentAt);
  const isFirst = isNewDay || previous.sender.id !== sender.id || sentAt - previous.sentAt > GROUP_GAP;
  const time = make('time', {
    text: timeOfDay(sentAt),
    attributes: { datetime: new Date(sentAt).toISOString(), title: fullTime(sentAt) },
  });
  const about = make('p', {
    // For screen readers, each message has the name of its sender.
    class: isFirst ? 'about' : 'about visually-hidden',
    children: [make('span', { class: 'sender', text: isOwn ? 'You' : sender.name }), new Text(' '), time],
  });
  const words = make('p', {
    class: 'text',
    children: linkify(text),
    attributes: { dir: 'auto', title: fullTime(sentAt) },
  });
  const item = make('li', {
    class: `message ${isOwn ? 'own' : 'other'}${isFirst ? ' first' : ''}`,
    children: [make('div', { class: 'said', children: [about, words] })],
  });
  if (isFirst && !isOwn) item.prepend(makeAvatar(sender));
  if (isNewDay) item.dataset.day = dayOf(sentAt);
  return item;
}

export interface OutgoingActions {
  resend(nonce: string): void;
  discard(nonce: string): void;
}

export function makeOutgoing(
  { nonce, text, failure }: OutgoingMessage,
  isConnected: boolean,
  actions: OutgoingActions,
): HTMLLIElement {
  const words = make('p', { class: 'text', text, attributes: { dir: 'auto' } });
  const delivery = make('p', { class: 'delivery', text: isConnected ? 'Sending…' : 'Waits for the connection' });
  if (failure) {
    delivery.textContent = `Not sent: ${failure}`;
    delivery.setAttribute('role', 'alert');
    delivery.append(
      button('Try again', () => actions.resend(nonce)),
      button('Discard', () => actions.discard(nonce)),
    );
  }
  return make('li', {
    class: `message own first outgoing${failure ? ' failed' : ''}`,
    children: [make('div', { class: 'said', children: [words, delivery] })],
  });
}

function button(text: string, act: () => void): HTMLButtonElement {
  const element = make('button', { class: 'link', text, attributes: { type: 'button' } });
  element.addEventListener('click', act);
  return element;
}
