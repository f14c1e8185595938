import { Observable } from 'rxjs';
import type { Payload } from '../../protocol/index.js';
import { AsyncScope } from '../../server/async-scope.js';
import type { WebwireConnection } from '../../server/connection.js';
import type { OutgoingStream } from '../../server/extensions/outgoing-stream.js';
import type { Message } from '../../server/message.js';
import { ItemOrder } from './item-order.js';
import { causeOf } from './resolve-result.js';
import { Route } from './route.js';

/** Calls the handler of a stream, and sends the items of its result. */
export class StreamRoute extends Route {
  /**
   * @returns The reply that ends the stream; rejects with its failure.
   * @throws RequestError if the client cannot have a stream, or not another one.
   */
  override request(connection: WebwireConnection, message: Message): Promise<Payload> {
    const opened = connection.openStream(message);
    if (!(opened instanceof Promise)) return this.#run(connection, message, opened);
    return opened.then((stream) => this.#run(connection, message, stream));
  }

  #run(connection: WebwireConnection, message: Message, stream: OutgoingStream): Promise<Payload> {
    // The client may have given it up while it waited for its place.
    if (stream.isOver) return stream.ended;
    const order = new ItemOrder(stream, this.reply);
    message.demand = order;
    const scope = message.runIn(new AsyncScope());
    scope.runInAsyncScope(() => {
      const release = stream.hold();
      try {
        this.#send(this.items(connection, message), stream, order, scope);
      } catch (error) {
        stream.fail(error);
      }
      release();
    });
    return stream.ended;
  }

  /** The source can be stopped while it is subscribed to, as its handler may end the connection. */
  #send(items: Observable<unknown>, stream: OutgoingStream, order: ItemOrder, scope: AsyncScope): void {
    const source = new Observable<unknown>((subscriber) => {
      stream.connect(() => {
        try {
          // The client stops a stream from outside of its asynchronous context, which `finally` blocks may need.
          scope.runInAsyncScope(() => subscriber.unsubscribe());
        } catch (error) {
          stream.stopFailed(causeOf(error));
        }
      });
      items.subscribe(subscriber);
    });
    source.subscribe({
      next: (item) => order.write(item),
      error: (error: unknown) => order.end(() => stream.fail(this.failureOf(error))),
      complete: () => order.end(() => stream.end()),
    });
  }
}
