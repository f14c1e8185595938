import { ForbiddenException } from '@nestjs/common';
import { ExecutionContextHost, FORBIDDEN_MESSAGE } from '@nestjs/core/internal';
import { from, isObservable, lastValueFrom, Observable, type Subscriber } from 'rxjs';
import { AsyncScope } from '../../server/async-scope.js';
import type { HandlerArguments } from './invoker.js';
import type { HandlerPipeline } from './nest-pipeline.js';
import type { Enhancers, PipedParameter } from '../internals/resolve-enhancers.js';
import { isPromiseLike } from './resolve-result.js';

type Continuation = (value: unknown, subscriber: Subscriber<unknown>) => void;

/**
 * Runs guards, interceptors and pipes around a handler, as Nest does. Nest waits for each of them, whether it has to or not;
 * here only what is asynchronous is waited for, so that a handler whose enhancers answer at once is answered at once.
 */
export class Pipeline implements HandlerPipeline {
  readonly #parameterCount: number;

  constructor(
    private readonly instance: object,
    private readonly callback: (...args: unknown[]) => unknown,
    private readonly enhancers: Enhancers,
  ) {
    this.#parameterCount = Math.max(0, ...enhancers.parameters.map(({ index }) => index + 1));
  }

  /** Returns what the handler or an interceptor made of it, a promise or an Observable included. */
  run(args: HandlerArguments): unknown {
    if (this.enhancers.guards.length === 0) return this.#intercept(args);
    const asked = this.#askGuards(this.#contextOf(args), 0);
    return asked ? asked.then(() => this.#intercept(args)) : this.#intercept(args);
  }

  /** @throws ForbiddenException, now or later, if one of them refuses. */
  #askGuards(context: ExecutionContextHost, first: number): Promise<void> | undefined {
    const { guards } = this.enhancers;
    for (let index = first; index < guards.length; index++) {
      const answer: unknown = guards[index]!.canActivate(context);
      if (typeof answer !== 'boolean') return this.#awaitGuard(context, answer, index + 1);
      if (!answer) throw new ForbiddenException(FORBIDDEN_MESSAGE);
    }
    return undefined;
  }

  async #awaitGuard(context: ExecutionContextHost, answer: unknown, next: number): Promise<void> {
    const value = await answer;
    const isAllowed = isObservable(value) ? await lastValueFrom(value) : value;
    if (!isAllowed) throw new ForbiddenException(FORBIDDEN_MESSAGE);
    await this.#askGuards(context, next);
  }

  #intercept(args: HandlerArguments): unknown {
    if (this.enhancers.interceptors.length === 0) return this.#call(args);
    // Interceptors that change what they see do not change what the handler gets.
    const seen: HandlerArguments = [...args];
    const call = () => this.#call(seen);
    return new Observable((subscriber) => this.#interceptAt(0, this.#contextOf(args), call, subscriber));
  }

  /** Runs the interceptor of an index, or the handler when there is no more of them, for one who waits for its values. */
  #interceptAt(
    index: number,
    context: ExecutionContextHost,
    call: () => unknown,
    subscriber: Subscriber<unknown>,
  ): void {
    const interceptor = this.enhancers.interceptors[index];
    if (!interceptor) {
      emit(call(), subscriber);
      return;
    }
    const handle = () => {
      // What comes next runs in the asynchronous context of whoever asked for it, whenever it is subscribed to.
      const scope = new AsyncScope();
      return new Observable<unknown>((next) =>
        scope.runInAsyncScope(() => this.#interceptAt(index + 1, context, call, next)),
      );
    };
    const values: unknown = interceptor.intercept(context, { handle });
    whenThere(values, subscriber, pass);
  }

  #call(args: HandlerArguments): unknown {
    const values: unknown[] = [];
    for (let index = 0; index < this.#parameterCount; index++) values.push(undefined);
    let isLate = false;
    for (const parameter of this.enhancers.parameters) {
      const value = valueOf(parameter, args);
      values[parameter.index] = value;
      isLate ||= isPromiseLike(value);
    }
    if (!isLate) return this.callback.apply(this.instance, values);
    return Promise.all(values).then((resolved) => this.callback.apply(this.instance, resolved));
  }

  #contextOf(args: HandlerArguments): ExecutionContextHost {
    const context = new ExecutionContextHost(args, this.instance.constructor as never, this.callback);
    context.setType('ws');
    return context;
  }
}

/** A parameter's value, or the promise of it: a failure is one, too, as it must not hide that of another parameter. */
function valueOf(parameter: PipedParameter, args: HandlerArguments): unknown {
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
    if (isPromiseLike(result)) return Promise.resolve(result).then((there) => transform(there, parameter, index));
    result = pipes[index]!.transform(result, { ...metadata });
  }
  return result;
}

/** Gives the result of a handler to a subscriber: each value of an Observable, or the one that it is. */
function emit(result: unknown, subscriber: Subscriber<unknown>): void {
  whenThere(result, subscriber, emitValue);
}

function emitValue(value: unknown, subscriber: Subscriber<unknown>): void {
  if (isObservable(value)) {
    value.subscribe(subscriber);
  } else {
    subscriber.next(value);
    subscriber.complete();
  }
}

/** Gives the values of what an interceptor returned to a subscriber. */
function pass(values: unknown, subscriber: Subscriber<unknown>): void {
  from(values as Observable<unknown>).subscribe(subscriber);
}

/** Goes on with a value, when it is there and somebody still waits for it. */
function whenThere(value: unknown, subscriber: Subscriber<unknown>, goOn: Continuation): void {
  if (isPromiseLike(value)) void goOnLater(value, subscriber, goOn);
  else goOn(value, subscriber);
}

async function goOnLater(promise: PromiseLike<unknown>, subscriber: Subscriber<unknown>, goOn: Continuation) {
  try {
    const value = await promise;
    if (!subscriber.closed) goOn(value, subscriber);
  } catch (error) {
    if (!subscriber.closed) subscriber.error(error);
  }
}
