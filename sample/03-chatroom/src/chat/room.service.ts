import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { WebwireService, type WebwireConnection } from 'nestjs-webwire';
import type { Person, ServerSignals } from '../../api/chat-api.js';

const ROOM = 'room';

/** A person whose last connection is lost stays in the list for this time, in ms: pages reload, and phones change networks. */
const ABSENCE = 3_000;

/** A connection in the room. */
interface Member {
  readonly person: Person;
  /** Key of the session that the connection had when it entered. */
  readonly sessionKey: string;
}

/** The connections and people in the room. */
@Injectable()
export class RoomService implements OnModuleDestroy {
  readonly #members = new Map<WebwireConnection, Member>();
  readonly #absent = new Map<Person, NodeJS.Timeout>();
  #announced: readonly Person[] = [];

  constructor(private readonly webwire: WebwireService) {}

  /** The people in the room, without duplicates. */
  get people(): readonly Person[] {
    const present = [...this.#members.values()].map(({ person }) => person);
    return [...new Set([...present, ...this.#absent.keys()])].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Adds a connection: from now on it receives the signals of the room. */
  enter(connection: WebwireConnection, person: Person): void | Promise<void> {
    if (!connection.session) return;
    this.#members.set(connection, { person, sessionKey: connection.session.key });
    this.webwire.join(connection, ROOM);
    this.#forgetAbsence(person);
    this.update();
  }

  /** Removes a connection. Its person stays in the list for a while. */
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

  /** Returns the connections of a person, who can have several tabs. */
  connectionsOf(person: Person): WebwireConnection[] {
    const own = [...this.#members].filter(([, member]) => member.person.id === person.id);
    return own.map(([connection]) => connection);
  }

  /** Sends a signal to all connections in the room. */
  tell<Name extends keyof ServerSignals>(
    name: Name,
    body: ServerSignals[Name],
    except: WebwireConnection[] = [],
  ): void {
    this.#removeSignedOut();
    this.webwire.signalGroup(ROOM, name, body, { except });
  }

  /** Sends the list of people to all if it has changed. */
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

  /** Removes connections whose session has changed: clients can close or restore sessions without calling a handler. */
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
