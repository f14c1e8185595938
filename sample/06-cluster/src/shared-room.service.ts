import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { WebwireService, type WebwireConnection } from 'nestjs-webwire';
import { randomUUID } from 'node:crypto';
import type { Person } from '../../03-chatroom/api/chat-api.js';
import { RoomService } from '../../03-chatroom/src/chat/room.service.js';
import { UsersService } from '../../03-chatroom/src/chat/users.service.js';
import { REDIS } from './redis.module.js';

/** Redis hash with one field for each node: the people there. Also the channel on which nodes announce changes. */
const PEOPLE = 'chat:people';

/** Interval between a node's reports, and time without a report after which a node counts as stopped, in ms. */
const INTERVAL = 1_000;
const PATIENCE = 4_000;

/** The people in the room on one node. */
interface Report {
  readonly people: readonly string[];
  readonly at: number;
}

/**
 * The people in the room, on all nodes. The library sends signals to the group on all nodes, but the list of people belongs to
 * the application, so this class shares it.
 */
@Injectable()
export class SharedRoomService extends RoomService implements OnModuleInit {
  readonly #node = randomUUID();
  readonly #subscriber: Redis;
  #elsewhere: readonly Person[] = [];
  #reported = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly service: WebwireService,
    private readonly users: UsersService,
    @Inject(REDIS) private readonly redis: Redis,
  ) {
    super(service);
    this.#subscriber = redis.duplicate();
    this.#subscriber.on('error', () => undefined);
  }

  override get people(): readonly Person[] {
    const all = new Set([...super.people, ...this.#elsewhere]);
    return [...all].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Resolves when the connection receives the messages of other nodes. The history that is read after that has no gaps. */
  override async enter(connection: WebwireConnection, person: Person): Promise<void> {
    void super.enter(connection, person);
    await this.service.synchronized();
  }

  override update(): void {
    super.update();
    const here = super.people.map(({ id }) => id).join();
    if (here !== this.#reported) void this.#report();
  }

  async onModuleInit(): Promise<void> {
    this.#subscriber.on('message', () => {
      void this.#look();
      // If another node has closed a session, this node closes it a moment later.
      setTimeout(() => super.update(), 100).unref();
    });
    await this.#subscriber.subscribe(PEOPLE);
    await this.#report();
    this.#timer = setInterval(() => void this.#report(), INTERVAL);
  }

  override onModuleDestroy(): void {
    super.onModuleDestroy();
    clearInterval(this.#timer);
    this.#subscriber.disconnect();
    this.redis.hdel(PEOPLE, this.#node).catch(() => undefined);
  }

  /** Writes the people on this node to Redis. */
  async #report(): Promise<void> {
    const people = super.people.map(({ id }) => id);
    const isChanged = people.join() !== this.#reported;
    this.#reported = people.join();
    try {
      const report: Report = { people, at: Date.now() };
      await this.redis.hset(PEOPLE, this.#node, JSON.stringify(report));
      if (isChanged) await this.redis.publish(PEOPLE, '');
    } catch {
      // Redis is not available, which is logged elsewhere. The next report follows soon.
    }
    await this.#look();
  }

  /** Reads the people on other nodes, and sends the new list to the clients of this node if it has changed. */
  async #look(): Promise<void> {
    let reports: Record<string, string>;
    try {
      reports = await this.redis.hgetall(PEOPLE);
    } catch {
      return;
    }
    const people = new Set<Person>();
    for (const [node, text] of Object.entries(reports)) {
      if (node === this.#node) continue;
      const report = JSON.parse(text) as Report;
      if (Date.now() - report.at > PATIENCE) void this.redis.hdel(PEOPLE, node).catch(() => undefined);
      else for (const person of report.people.map((id) => this.users.find(id))) if (person) people.add(person);
    }
    this.#elsewhere = [...people];
    super.update();
  }
}
