import { ForbiddenException } from '@nestjs/common';
import { from, isObservable, lastValueFrom, Observable, type Subscriber } from 'rxjs';
import { AsyncScope } from '../../server/async-scope.js';
import type { Message } from '../../server/message.js';
import { validateBody, type EntrySchemas } from './entry-schemas.js';
import type { HandlerArguments } from './invoker.js';
import type { HandlerPipeline } from './nest-pipeline.js';
import type { HttpEnhancers } from './http-enhancers.js';
import { MessageContext } from './message-context.js';
import { FORBIDDEN_MESSAGE } from '../internals/nest-internals.js';
import type { Enhancers, PipedParameter } from '../internals/resolve-enhancers.js';
import { MESSAGE_ARGUMENT } from '../decorators/webwire-message.decorator.js';
import { lastValue, whileConnected } from './resolve-result.js';
import { handlerLabel, itemsOf } from './stream-items.js';
import { isPromiseLike } from '../../protocol/promise.js';

type Continuation = (value: unknown, subscriber: Subscriber<unknown>) => void;

/**
 * Runs guards, interceptors and pipes around a handler, as Nest does. Nest awaits each of them; this pipeline awaits only
 * promises and Observables, so that a request whose enhancers and handler are synchronous is answered in the same tick.
 */
export class Pipeline implements HandlerPipeline {
  readonly #parameterCount: number;

  constructor(
    private readonly instance: object,
    private readonly callback: (...args: unknown[]) => unknown,
    private readonly enhancers: Enhancers,
    private readonly httpEnhancers: HttpEnhancers,
    private readonly isStream = false,
    private readonly schemas?: EntrySchemas,
  ) {
    this.#parameterCount = Math.max(0, ...enhancers.parameters.map(({ index }) => index + 1));
  }

  /**
   * Returns the result of the handler, or the last value of the interceptors around it (for a stream, the Observable of all
   * values), or the promise of either.
   */
  run(args: HandlerArguments): unknown {
    if (this.enhancers.guards.length === 0) return this.#validate(args);
    const asked = this.#askGuards(this.#contextOf(args), 0);
    return asked ? asked.then(() => this.#validate(args)) : this.#validate(args);
  }

  /**
   * Runs the guards, beginning with the one at the index `first`.
   * @returns A promise if a guard is asynchronous.
   * @throws ForbiddenException, or rejects with it, if a guard returns a falsy value.
   */
  #askGuards(context: MessageContext, first: number): Promise<void> | undefined {
    const { guards } = this.enhancers;
    for (let index = first; index < guards.length; index++) {
      const answer = this.#askGuard(context, index);
      if (typeof answer !== 'boolean') return this.#awaitGuard(context, answer, index);
      if (!answer) throw new ForbiddenException(FORBIDDEN_MESSAGE);
    }
    return undefined;
  }

  #askGuard(context: MessageContext, index: number): unknown {
    const guard = this.enhancers.guards[index]!;
    context.usesHttp = false;
    try {
      return guard.canActivate(context);
    } catch (error) {
      this.httpEnhancers.failed('guard', guard, error, context);
      throw error;
    }
  }

  async #awaitGuard(context: MessageContext, answer: unknown, index: number): Promise<void> {
    let isAllowed: unknown;
    try {
      const value = await answer;
      isAllowed = isObservable(value) ? await lastValueFrom(value) : value;
    } catch (error) {
      this.httpEnhancers.failed('guard', this.enhancers.guards[index]!, error, context);
      throw error;
    }
    if (!isAllowed) throw new ForbiddenException(FORBIDDEN_MESSAGE);
    await this.#askGuards(context, index + 1);
  }

  /** Validates the body of an entry of a contract: after the guards, so that a client that they refuse learns nothing of it. */
  #validate(args: HandlerArguments): unknown {
    if (!this.schemas) return this.#intercept(args);
    const validated = validateBody(this.schemas, args);
    return validated ? validated.then(() => this.#intercept(args)) : this.#intercept(args);
  }

  #intercept(args: HandlerArguments): unknown {
    if (this.enhancers.interceptors.length === 0) return this.#call(args);
    // An interceptor that changes the arguments in its context does not change those of the handler.
    const seen: HandlerArguments = [...args];
    const message = args[MESSAGE_ARGUMENT];
    const values = new Observable((subscriber) => this.#interceptAt(0, args, seen, subscriber));
    return this.isStream ? values : lastValue(values, message);
  }

  /**
   * Runs the interceptor at `index`, or the handler if there is no such interceptor. Passes the values to the subscriber.
   * @param shown The arguments that interceptors see.
   */
  #interceptAt(index: number, shown: HandlerArguments, args: HandlerArguments, subscriber: Subscriber<unknown>): void {
    const interceptor = this.enhancers.interceptors[index];
    if (!interceptor) {
      const message = args[MESSAGE_ARGUMENT];
      const result = this.#call(args);
      if (!this.isStream) emit(result, subscriber, message);
      else itemsOf(result, message, handlerLabel(this.instance, this.callback)).subscribe(subscriber);
      return;
    }
    const context = this.#contextOf(shown);
    const handle = () => {
      // The next interceptor runs in the asynchronous context of this call, even if its values are subscribed to later.
      const scope = new AsyncScope();
      const run = (next: Subscriber<unknown>) =>
        scope.runInAsyncScope(() => this.#interceptAt(index + 1, shown, args, next));
      return new Observable<unknown>((next) =>
        context.usesHttp ? context.noteFailure(new Observable(run)).subscribe(next) : run(next),
      );
    };
    let values: unknown;
    try {
      values = interceptor.intercept(context, { handle });
    } catch (error) {
      this.httpEnhancers.failed('interceptor', interceptor, error, context);
      throw error;
    }
    if (!isPromiseLike(values)) return pass(values, subscriber);
    const failed = (error: unknown) => this.httpEnhancers.failed('interceptor', interceptor, error, context);
    void continueLater(values, subscriber, pass, args[MESSAGE_ARGUMENT].demand?.hold(), failed);
  }

  #call(args: HandlerArguments): unknown {
    const values: unknown[] = [];
    for (let index = 0; index < this.#parameterCount; index++) values.push(undefined);
    let isLate = false;
    for (const parameter of this.enhancers.parameters) {
      const value = parameterValue(parameter, args);
      values[parameter.index] = value;
      isLate ||= isPromiseLike(value);
    }
    if (!isLate) return this.callback.apply(this.instance, values);
    return Promise.all(values).then((resolved) => this.callback.apply(this.instance, resolved));
  }

  #contextOf(args: HandlerArguments): MessageContext {
    return new MessageContext(args, this.instance.constructor, this.callback);
  }
}

/**
 * Returns the value of a parameter, or a promise of it. Returns an error as a rejected promise, so that the other parameters are
 * read, too.
 */
function parameterValue(parameter: PipedParameter, args: HandlerArguments): unknown {
  try {
    return transform(parameter.extract(...args), parameter, 0);
  } catch (error) {
    return Promise.reject(error);
  }
}

function transform(value: unknown, parameter: PipedParameter, first: number): unknown {
  const { pipes, metadata } = parameter;
  let result = value;
  for (let index = first; index < pipes.length; index++) {
    if (isPromiseLike(result)) return Promise.resolve(result).then((resolved) => transform(resolved, parameter, index));
    result = pipes[index]!.transform(result, { ...metadata });
  }
  return result;
}

/** Passes the result of a handler to a subscriber: a single value, or all values of an Observable until the connection closes. */
function emit(result: unknown, subscriber: Subscriber<unknown>, message: Message): void {
  if (isPromiseLike(result)) void continueLater(result, subscriber, (value) => emitValue(value, subscriber, message));
  else emitValue(result, subscriber, message);
}

function emitValue(value: unknown, subscriber: Subscriber<unknown>, message: Message): void {
  if (isObservable(value)) {
    whileConnected(value, message).subscribe(subscriber);
  } else {
    subscriber.next(value);
    subscriber.complete();
  }
}

/** Passes the values that an interceptor returned to a subscriber. */
function pass(values: unknown, subscriber: Subscriber<unknown>): void {
  from(values as Observable<unknown>).subscribe(subscriber);
}

/** Continues with a promised value, unless an interceptor has unsubscribed meanwhile. */
async function continueLater(
  promise: PromiseLike<unknown>,
  subscriber: Subscriber<unknown>,
  next: Continuation,
  release?: () => void,
  failed?: (error: unknown) => void,
) {
  try {
    const value = await promise;
    if (!subscriber.closed) next(value, subscriber);
  } catch (error) {
    failed?.(error);
    if (!subscriber.closed) subscriber.error(error);
  } finally {
    release?.();
  }
}
