import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { WebwireService, type GroupMemberEvent, type WebwireConnection } from 'nestjs-webwire';
import { chat, type ChatMessage, type Person } from '../../api/chat-api.js';

const ROOM = 'room';

/** A person whose last connection is lost stays in the list for this time, in ms: pages reload, and phones change networks. */
const ABSENCE = 3_000;

/** A connection in the room. */
interface Member {
  readonly person: Person;
  /** Key of the session that the connection had when it entered. */
  readonly sessionKey: string;
}

/**
 * The people in the room. All connections of a person are one member of the group, whose `info` is the person. The events of
 * the group keep the list of people; with several nodes, each of them has the whole list.
 */
@Injectable()
export class RoomService implements OnModuleInit, OnModuleDestroy {
  /** The connections of this node. */
  readonly #members = new Map<WebwireConnection, Member>();
  readonly #people = new Map<string, Person>();
  /** When people are removed whose last connection was lost. */
  readonly #absences = new Map<string, NodeJS.Timeout>();
  #announced = '';

  constructor(private readonly webwire: WebwireService) {}

  onModuleInit(): void {
    this.webwire.on('joined', (event) => this.#joined(event));
    this.webwire.on('left', (event) => this.#left(event));
  }

  /** The people in the room, without duplicates. */
  get people(): Person[] {
    return [...this.#people.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Adds a connection: from now on it receives the signals of the room. */
  enter(connection: WebwireConnection, person: Person): void | Promise<void> {
    if (!connection.session) return;
    this.#members.set(connection, { person, sessionKey: connection.session.key });
    this.webwire.join(connection, ROOM, { as: person.id, info: person });
  }

  /** A connection is gone, and has left the group. */
  lose(connection: WebwireConnection): void {
    this.#members.delete(connection);
  }

  /** Sends a message to all connections in the room. */
  say(message: ChatMessage): void {
    this.#removeSignedOut();
    this.webwire.signalGroup(ROOM, chat.serverSignals.message, message);
  }

  /** Sends the signal that a person is typing to all other people. A person can have several tabs. */
  typing(person: Person): void {
    this.#removeSignedOut();
    const own = [...this.#members].filter(([, member]) => member.person.id === person.id);
    this.webwire.signalGroup(ROOM, chat.serverSignals.typing, person, {
      except: own.map(([connection]) => connection),
    });
  }

  /** Removes those who have signed out. */
  update(): void {
    this.#removeSignedOut();
  }

  onModuleDestroy(): void {
    for (const timer of this.#absences.values()) clearTimeout(timer);
    this.#absences.clear();
  }

  /** Removes connections whose session has changed: clients can close or restore sessions without calling a handler. */
  #removeSignedOut(): void {
    for (const [connection, { person, sessionKey }] of this.#members) {
      if (connection.session?.key === sessionKey) continue;
      this.#members.delete(connection);
      // Without info, so that no node waits for the person to come back.
      this.webwire.join(connection, ROOM, { as: person.id, info: null });
      this.webwire.leave(connection, ROOM);
    }
  }

  #joined({ as: id, info }: GroupMemberEvent): void {
    if (id === undefined || !info) return;
    this.#forgetAbsence(id);
    this.#people.set(id, info as unknown as Person);
    this.#announce();
  }

  #left({ as: id, info }: GroupMemberEvent): void {
    if (id === undefined) return;
    this.#forgetAbsence(id);
    if (info) {
      this.#absences.set(id, setTimeout(() => this.#remove(id), ABSENCE).unref());
    } else {
      this.#remove(id);
    }
  }

  #remove(id: string): void {
    this.#absences.delete(id);
    this.#people.delete(id);
    this.#announce();
  }

  /** Sends the list to the members of this node, if it has changed. Each node does so. */
  #announce(): void {
    // Somebody who signs out in one of two browsers leaves and joins at once.
    queueMicrotask(() => {
      const { people } = this;
      const announced = people.map(({ id }) => id).join();
      if (announced === this.#announced) return;
      this.#announced = announced;
      this.webwire.signalGroup(ROOM, chat.serverSignals.people, people, { local: true });
    });
  }

  #forgetAbsence(id: string): void {
    clearTimeout(this.#absences.get(id));
    this.#absences.delete(id);
  }
}
