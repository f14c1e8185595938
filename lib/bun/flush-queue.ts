import { nextTick } from '../transport/next-tick.js';

/** A connection with messages that were gathered in this tick. */
interface Flushable {
  /** Must not throw, because other connections are flushed after it. */
  flush(): void;
}

let waiting: Flushable[] = [];

/** Calls `flush()` at the end of the tick. */
export function flushLater(connection: Flushable): void {
  if (waiting.push(connection) === 1) nextTick(flushAll);
}

function flushAll(): void {
  const connections = waiting;
  waiting = [];
  for (const connection of connections) connection.flush();
}
