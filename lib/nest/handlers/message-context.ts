import type { Type } from '@nestjs/common';
import type { Observable } from 'rxjs';
// RxJS 7.1 exports operators only here.
import { tap } from 'rxjs/operators';
import { ExecutionContextHost } from '../internals/nest-internals.js';
import type { HandlerArguments } from './invoker.js';

/** The context of a message for guards, interceptors and filters. */
export class MessageContext extends ExecutionContextHost {
  /** True if an enhancer has asked for the request or the response of HTTP, which a message does not have. */
  usesHttp = false;
  /** The failure of what an interceptor calls: it is not its own. */
  innerFailure: unknown = undefined;
  /** The exception filter that runs. */
  filter: object | undefined = undefined;

  /** @param gateway Class of the gateway. */
  constructor(args: HandlerArguments, gateway: Function, callback: (...args: never[]) => unknown) {
    super(args, gateway as Type, callback);
    this.setType('ws');
  }

  override switchToHttp(): ReturnType<ExecutionContextHost['switchToHttp']> {
    this.usesHttp = true;
    // Nest's context would return the body as the response. Enhancers that set something in it would change or fail on the body.
    return Object.assign(super.switchToHttp(), { getResponse: () => undefined as never });
  }

  /** The same values. Keeps their failure. */
  noteFailure(values: Observable<unknown>): Observable<unknown> {
    return values.pipe(
      tap({
        error: (error: unknown) => {
          this.innerFailure = error;
        },
      }),
    );
  }
}
