import { CHAT_PATH, type ChatMessage } from '../api/chat-api.js';
import { ChatClient } from '../client/chat-client.js';
import type { Notice } from '../client/chat-listener.js';
import { showAvatar } from './avatar.js';
import { ComposerView } from './composer-view.js';
import { ConnectionView } from './connection-view.js';
import { byId, setText } from './dom.js';
import { LogView } from './log-view.js';
import { NoticeView } from './notice-view.js';
import { PeopleView } from './people-view.js';
import { SignInView } from './sign-in-view.js';
import { TypingView } from './typing-view.js';

const TITLE = document.title;

const NOTICES: Record<Exclude<Notice, 'restored'>, string> = {
  reconnected: 'The connection is back, and your session was restored.',
  'signed-out-elsewhere': 'You were signed out in another tab or by the server.',
  'session-gone': 'Your session has ended. Sign in again.',
  failed: 'The chat room could not be opened. Try to reload the page.',
};

const chat = new ChatClient(`${location.origin.replace(/^http/, 'ws')}${CHAT_PATH}`, {
  changed: update,
  notice: (notice) =>
    notices.show(
      notice === 'restored' ? `Welcome back, ${chat.me?.name}: your session was restored.` : NOTICES[notice],
    ),
  said,
  typing: (person) => typing.show(person),
});

const connection = new ConnectionView(connect, focusField);
const notices = new NoticeView(focusField);
const people = new PeopleView();
const typing = new TypingView();
const signIn = new SignInView(async (name, password) => {
  await chat.signIn(name, password);
  notices.hide();
});
const composer = new ComposerView({
  send(text) {
    notices.hide();
    chat.send(text);
    log.toEnd();
  },
  typing: () => chat.typing(),
});
const log = new LogView(
  { resend: (nonce) => chat.resend(nonce), discard: (nonce) => chat.discard(nonce) },
  showEarlier,
);

/** Selects the visible one of the three `main` elements. */
let shown = 'opening';
let unseen = 0;

byId('sign-out').addEventListener('click', () => void signOut());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) showUnseen(0);
});
window.addEventListener('beforeunload', (event) => {
  if (chat.outgoing.length > 0) event.preventDefault();
});

connect();

function connect(): void {
  chat.connect().catch(() => notices.show(NOTICES.failed));
}

async function showEarlier(): Promise<void> {
  try {
    await chat.showEarlier();
  } catch (error) {
    notices.show(`Earlier messages could not be loaded: ${(error as Error).message}`);
  }
}

async function signOut(): Promise<void> {
  try {
    await chat.signOut();
    notices.hide();
  } catch (error) {
    notices.show(`You could not be signed out: ${(error as Error).message}`);
  }
}

/** Updates all views. */
function update(): void {
  const { me } = chat;
  connection.show(chat.connection);
  const isConnected = chat.connection.status === 'connected';
  composer.showConnected(isConnected);
  byId('room').classList.toggle('is-offline', !isConnected);
  if (me) {
    showAvatar(byId('me-avatar'), me);
    setText(byId('me-name'), me.name);
    people.show(chat.people, me);
  }
  show(me === undefined ? 'opening' : me ? 'room' : 'entrance');
  if (me) log.show({ messages: chat.messages, outgoing: chat.outgoing, hasEarlier: chat.hasEarlier, isConnected, me });
}

function show(id: 'opening' | 'entrance' | 'room'): void {
  if (id === shown) return;
  byId(shown).hidden = true;
  byId(id).hidden = false;
  byId('account').hidden = id !== 'room';
  byId('skip-link').hidden = id !== 'room';
  shown = id;
  if (id === 'room') log.toEnd();
  else {
    people.close();
    typing.clear();
    composer.clear();
    showUnseen(0);
    signIn.reset();
  }
  focusField();
}

/** Sets the focus to the input of the visible part. */
function focusField(): void {
  if (shown === 'room') composer.focus();
  else signIn.focus();
}

function said(messages: readonly ChatMessage[]): void {
  const others = messages.filter(({ sender }) => sender.id !== chat.me?.id);
  for (const { sender } of others) typing.stop(sender.id);
  if (document.hidden) showUnseen(unseen + others.length);
}

/** Shows the number of unread messages in the title of the tab. */
function showUnseen(count: number): void {
  unseen = count;
  document.title = count === 0 ? TITLE : `(${count}) ${TITLE}`;
}
