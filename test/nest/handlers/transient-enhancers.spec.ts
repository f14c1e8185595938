import {
  Catch,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type ModuleMetadata,
  type NestInterceptor,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { map } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestApp } from '../../support/test-app.js';

let app: TestApp | undefined;
let made: string[] = [];

async function start(metadata: ModuleMetadata) {
  app = await TestApp.start(metadata);
  return app.connect();
}

beforeEach(() => {
  made = [];
});

afterEach(async () => {
  await app?.close();
  app = undefined;
});

@Injectable()
class Rules {
  readonly forbidden = 'forbidden';
  readonly failing = 'failing';
}

/** Its fields are set only if its constructor has run. */
@Injectable({ scope: Scope.TRANSIENT })
class Guard implements CanActivate {
  readonly number = made.push('guard');
  constructor(@Inject(Rules) private readonly rules: Rules) {}
  canActivate(context: ExecutionContext) {
    return this.number > 0 && context.switchToWs().getData() !== this.rules.forbidden;
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class Mark implements NestInterceptor {
  readonly number = made.push('interceptor');
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((value: string) => `${value} intercepted:${this.number > 0}`));
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class Pipe implements PipeTransform {
  readonly number = made.push('pipe');
  transform(value: unknown) {
    return `${String(value)} piped:${this.number > 0}`;
  }
}

@Injectable({ scope: Scope.TRANSIENT })
@Catch(RangeError)
class Filter implements ExceptionFilter {
  readonly number = made.push('filter');
  catch(error: RangeError) {
    return `${error.message} filtered:${this.number > 0}`;
  }
}

const enhanced = (target: Type<object>): void => {
  for (const decorate of [UseGuards(Guard), UseInterceptors(Mark), UsePipes(Pipe), UseFilters(Filter)])
    decorate(target);
};

function answer(body: string): string {
  if (body.startsWith('failing')) throw new RangeError(body);
  return body;
}

@enhanced
@WebwireGateway()
class OfWebwire {
  @WebwireRequest('x') x(@MessageBody() body: string) {
    return answer(body);
  }
}

@enhanced
@WebSocketGateway()
class OfNest {
  @SubscribeMessage('x') x(@MessageBody() body: string) {
    return answer(body);
  }
}

@WebwireGateway()
class OnMethod {
  @UseGuards(Guard)
  @UseInterceptors(Mark)
  @UsePipes(Pipe)
  @UseFilters(Filter)
  @WebwireRequest('x')
  x(@MessageBody() body: string) {
    return answer(body);
  }
}

describe.each([OfWebwire, OfNest, OnMethod])('transient enhancers of a gateway: %o', (Gateway) => {
  it('run with their constructors and dependencies', async () => {
    const client = await start({ providers: [Gateway, Rules] });
    expect(await client.ask('x', 'a')).toBe('utf8 a piped:true intercepted:true');
    expect(await client.ask('x', 'failing')).toBe('utf8 failing piped:true filtered:true');
    expect(await client.ask('x', 'forbidden')).toBe('error FORBIDDEN: Forbidden resource');
  });

  it('are not made again for messages', async () => {
    const client = await start({ providers: [Gateway, Rules] });
    const atStart = made.length;
    await client.ask('x', 'a');
    await client.ask('x', 'failing');
    expect(made).toHaveLength(atStart);
  });
});

it('a transient pipe of a parameter runs with its constructor', async () => {
  @WebwireGateway()
  class Gateway {
    @WebwireRequest('x') x(@MessageBody(Pipe) body: string) {
      return body;
    }
  }
  const client = await start({ providers: [Gateway] });
  expect(await client.ask('x', 'a')).toBe('utf8 a piped:true');
});

it('each gateway gets transient enhancers of its own', async () => {
  @Injectable({ scope: Scope.TRANSIENT })
  class OwnerGuard implements CanActivate {
    readonly owners = new Set<object>();
    canActivate(context: ExecutionContext) {
      return this.owners.add(context.getClass()).size === 1;
    }
  }
  @UseGuards(OwnerGuard)
  @WebwireGateway()
  class First {
    @WebwireRequest('first') first() {
      return 'first';
    }
  }
  @UseGuards(OwnerGuard)
  @WebwireGateway()
  class Second {
    @WebwireRequest('second') second() {
      return 'second';
    }
  }
  const client = await start({ providers: [First, Second] });
  expect(await client.ask('first')).toBe('utf8 first');
  expect(await client.ask('second')).toBe('utf8 second');
});
