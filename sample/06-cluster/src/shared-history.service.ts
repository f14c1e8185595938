import { Inject, Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { PAGE_SIZE, type ChatMessage, type Draft, type Page, type Person } from '../../03-chatroom/api/chat-api.js';
import { HistoryService, type Addition } from '../../03-chatroom/src/chat/history.service.js';
import { REDIS } from './redis.module.js';

/** Maximum number of messages, and lifetime of the nonces of drafts, in s. */
const MAX_MESSAGES = 300;
const NONCE_LIFETIME = 60 * 60;

const MESSAGES = 'chat:messages';
const LAST_ID = 'chat:last-id';

/**
 * KEYS: messages, last identifier, draft. ARGV: current time, message without identifier, MAX_MESSAGES, NONCE_LIFETIME.
 * A script is atomic: a draft becomes only one message, and identifiers increase, whichever nodes receive the drafts.
 */
const ADD = `
local sent = redis.call('GET', KEYS[3])
if sent then return {sent, 0} end
local id = math.max(tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[2]) or '0') + 1)
local message = '{"id":' .. string.format('%d', id) .. ',' .. string.sub(ARGV[2], 2)
redis.call('SET', KEYS[2], string.format('%d', id))
redis.call('ZADD', KEYS[1], id, message)
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[3]))
redis.call('SET', KEYS[3], message, 'EX', ARGV[4])
return {message, 1}
`;

/** Stores the last messages in Redis, so that all nodes have the same ones. */
@Injectable()
export class SharedHistoryService extends HistoryService {
  constructor(@Inject(REDIS) private readonly redis: Redis) {
    super();
  }

  override async find(sender: Person, draft: Draft): Promise<ChatMessage | undefined> {
    const message = await this.redis.get(keyOf(sender, draft));
    return message === null ? undefined : (JSON.parse(message) as ChatMessage);
  }

  override async add(sender: Person, draft: Draft): Promise<Addition> {
    const { nonce, text } = draft;
    const sentAt = Date.now();
    const rest = JSON.stringify({ nonce, text, sender, sentAt });
    const keys = [MESSAGES, LAST_ID, keyOf(sender, draft)];
    const answer = await this.redis.eval(ADD, keys.length, ...keys, sentAt, rest, MAX_MESSAGES, NONCE_LIFETIME);
    const [message, isNew] = answer as [string, number];
    return { message: JSON.parse(message) as ChatMessage, isNew: isNew === 1 };
  }

  override async page(before = Infinity): Promise<Page> {
    const latest = before === Infinity ? '+inf' : `(${before}`;
    // One more than needed, to find out whether there are earlier ones.
    const found = await this.redis.zrange(MESSAGES, latest, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, PAGE_SIZE + 1);
    const messages = found.slice(0, PAGE_SIZE).map((message) => JSON.parse(message) as ChatMessage);
    return { messages: messages.toReversed(), hasEarlier: found.length > PAGE_SIZE };
  }
}

function keyOf(sender: Person, { nonce }: Draft): string {
  return `chat:draft:${sender.id}:${nonce}`;
}
