import { Subject, type Observable } from 'rxjs';
// RxJS 7.1 exports operators only here.
import { takeUntil } from 'rxjs/operators';
import type { Payload } from '../../protocol/index.js';
import { AsyncScope } from '../../server/async-scope.js';
import type { WebwireConnection } from '../../server/connection.js';
import type { OutgoingStream } from '../../server/extensions/outgoing-stream.js';
import type { Message } from '../../server/message.js';
import { Route } from './route.js';

/** Calls the handler of a stream, and sends the items of its result. */
export class StreamRoute extends Route {
  /**
   * @returns The reply that ends the stream; rejects with its failure.
   * @throws RequestError if the client cannot have a stream, or not another one.
   */
  override request(connection: WebwireConnection, message: Message): Promise<Payload> {
    const stream = connection.openStream(message);
    new AsyncScope().runInAsyncScope(() => {
      try {
        this.#send(this.items(connection, message), stream);
      } catch (error) {
        stream.fail(error);
      }
    });
    return stream.ended;
  }

  #send(items: Observable<unknown>, stream: OutgoingStream): void {
    const stopped = new Subject<void>();
    stream.connect(() => stopped.next());
    items.pipe(takeUntil(stopped)).subscribe({
      next: (item) => {
        try {
          stream.write(this.encode(item));
        } catch (error) {
          stream.breakOff(error);
        }
      },
      error: (error: unknown) => stream.fail(this.failureOf(error)),
      complete: () => stream.end(),
    });
  }
}
