import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { WebwireService, type WebwireConnection } from 'nestjs-webwire';
import type { Person, ServerSignals } from '../../api/chat-api.js';

const ROOM = 'room';

/** For how long somebody is still there whose last connection was lost: pages reload, and phones change networks. In ms. */
const ABSENCE = 3_000;

/** A connection that entered. */
interface Member {
  readonly person: Person;
  /** Of the session with which it did. */
  readonly sessionKey: string;
}

/** Who is in the room. */
@Injectable()
export class RoomService implements OnModuleDestroy {
  readonly #members = new Map<WebwireConnection, Member>();
  readonly #absent = new Map<Person, NodeJS.Timeout>();
  #announced: readonly Person[] = [];

  constructor(private readonly webwire: WebwireService) {}

  /** Who is there, each once. */
  get people(): readonly Person[] {
    const present = [...this.#members.values()].map(({ person }) => person);
    return [...new Set([...present, ...this.#absent.keys()])].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** From now on a connection gets what happens in the room. */
  enter(connection: WebwireConnection, person: Person): void | Promise<void> {
    if (!connection.session) return;
    this.#members.set(connection, { person, sessionKey: connection.session.key });
    this.webwire.join(connection, ROOM);
    this.#forgetAbsence(person);
    this.update();
  }

  /** A connection is gone. Who it belonged to may be back soon. */
  lose(connection: WebwireConnection): void {
    const member = this.#members.get(connection);
    if (!member) return;
    this.#members.delete(connection);
    this.#forgetAbsence(member.person);
    const timer = setTimeout(() => {
      this.#absent.delete(member.person);
      this.update();
    }, ABSENCE);
    this.#absent.set(member.person, timer.unref());
  }

  /** The connections with which somebody has entered: a person can have several tabs. */
  connectionsOf(person: Person): WebwireConnection[] {
    const own = [...this.#members].filter(([, member]) => member.person.id === person.id);
    return own.map(([connection]) => connection);
  }

  /** Sends a signal to all who are in the room. */
  tell<Name extends keyof ServerSignals>(
    name: Name,
    body: ServerSignals[Name],
    except: WebwireConnection[] = [],
  ): void {
    this.#removeSignedOut();
    this.webwire.signalGroup(ROOM, name, body, { except });
  }

  /** Tells all who is there, if that has changed. */
  update(): void {
    this.#removeSignedOut();
    const { people } = this;
    if (people.length === this.#announced.length && people.every((person, at) => person === this.#announced[at]))
      return;
    this.#announced = people;
    this.webwire.signalGroup(ROOM, 'people', people);
  }

  onModuleDestroy(): void {
    for (const person of this.#absent.keys()) this.#forgetAbsence(person);
  }

  /** Clients may close their session, or restore another, by messages of the protocol, which no handler gets to see. */
  #removeSignedOut(): void {
    for (const [connection, { sessionKey }] of this.#members) {
      if (connection.session?.key === sessionKey) continue;
      this.#members.delete(connection);
      this.webwire.leave(connection, ROOM);
    }
  }

  #forgetAbsence(person: Person): void {
    clearTimeout(this.#absent.get(person));
    this.#absent.delete(person);
  }
}
