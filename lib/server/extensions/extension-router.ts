import { RequestError } from '../../protocol/errors.js';
import { ASK_NAME, PING_NAME } from '../../protocol/extensions.js';
import type { Message } from '../message.js';
import type { Outbox } from '../outbox.js';
import type { ServerContext } from '../server-context.js';
import { extensionRequired, Extensions } from './extensions.js';
import { OrderedRequests } from './ordered-requests.js';
import { EMPTY_REPLY, type OutgoingStream } from './outgoing-stream.js';

/** Answers the requests with reserved names of one connection, and starts its extensions when the client asks for them. */
export class ExtensionRouter {
  /** `undefined` until the client asks for extensions. */
  active: Extensions | undefined = undefined;
  /** The requests whose handlers run, until the client asks: it may cancel them afterwards. */
  readonly #requests = new OrderedRequests();
  #isBusy = false;
  #wasAsked = false;

  constructor(
    private readonly context: Pick<ServerContext<never>, 'options' | 'logger'>,
    private readonly outbox: Outbox,
  ) {}

  /** The handler of a request has started, and has not ended yet. */
  started(message: Message): void {
    if (this.active) this.active.started(message);
    else if (this.context.options.extensions) this.#requests.add(message);
  }

  /** The handler of a request has ended. */
  ended(message: Message): void {
    if (this.active) this.active.ended(message);
    else this.#requests.remove(message);
  }

  /** True for the first question of the client for extensions. Its answer does not have to wait, as there is only one. */
  isFirstQuestion({ name }: Message): boolean {
    return !this.#wasAsked && name === ASK_NAME;
  }

  /**
   * Answers a request with a reserved name.
   * @param waiting Size of the messages that wait and were sent before this one, in bytes.
   */
  answer(message: Message, waiting: number = 0): void {
    const { name } = message;
    this.#wasAsked ||= name === ASK_NAME;
    if (name === ASK_NAME && this.context.options.extensions) this.#negotiate(message, waiting);
    else if (name === PING_NAME && this.active?.has('ping')) this.outbox.reply(message, EMPTY_REPLY);
    else this.outbox.fail(message, new RequestError('NOT_FOUND', 'nobody handles this request'));
  }

  /** Many messages wait. */
  busy(): void {
    this.#isBusy = true;
    this.active?.busySignals?.start();
  }

  /** Few messages wait, or the connection is gone. */
  idle(): void {
    if (!this.#isBusy) return;
    this.#isBusy = false;
    this.active?.busySignals?.stop();
  }

  /**
   * Opens a stream as the reply to a request whose handler is being called.
   * @throws RequestError, or rejects with it, if the client has not asked for streams, or has too many.
   */
  openStream(message: Message): OutgoingStream | Promise<OutgoingStream> {
    if (!this.active) throw extensionRequired();
    return this.active.openStream(message);
  }

  /** Ends all streams, because the connection is closing. The close frame tells the client why. */
  endStreams(): void {
    this.active?.endStreams(() => undefined);
  }

  /** Ends all streams, because the time for the shutdown is over. */
  shutDownStreams(): void {
    this.active?.endStreams((message) => this.outbox.shutDown(message));
  }

  #negotiate(message: Message, waiting: number): void {
    const asked = Extensions.read(message.payload);
    if (!asked) return this.outbox.fail(message, new RequestError('BAD_REQUEST', 'the body is no list of extensions'));
    const { options, logger } = this.context;
    this.active ??= new Extensions(asked, options, this.outbox, logger, waiting, this.#requests.takeAll());
    this.outbox.reply(message, this.active.answer);
    if (this.#isBusy) this.active.busySignals?.start();
  }
}
