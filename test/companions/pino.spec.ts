import {
  Catch,
  Injectable,
  Logger as NestLogger,
  Module,
  UseFilters,
  UseGuards,
  type ExceptionFilter,
  type INestApplication,
} from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { Logger, LoggerErrorInterceptor, LoggerModule, PinoLogger } from 'nestjs-pino';
import { RequestError, WebwireGateway, WebwireRequest, WebwireSignal, WebwireStream } from 'nestjs-webwire';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { MessageLogContext } from './pino.module.js';

interface Line {
  msg?: string;
  reqId?: string;
  connection?: string;
  message?: string;
  user?: string;
}

/** nestjs-pino has one logger per process, so the tests of this file share its output. */
const lines = new Queue<Line>();
const output = { write: (line: string) => lines.push(JSON.parse(line) as Line) };
const line = (msg: string, message?: string) =>
  lines.take((found) => found.msg === msg && (!message || found.message === message));

@Module({ imports: [LoggerModule.forRoot({ pinoHttp: [{ level: 'debug' }, output] })], providers: [MessageLogContext] })
class LogModule {}

@Injectable()
class Guard {
  readonly #logger = new NestLogger('Guard');
  canActivate() {
    this.#logger.log('in the guard');
    return true;
  }
}

@Catch(RangeError)
class Filter implements ExceptionFilter {
  catch() {
    new NestLogger('Filter').log('in the filter');
    throw new RequestError('NOT_NOW', 'later');
  }
}

@UseGuards(Guard)
@UseFilters(Filter)
@WebwireGateway()
class Gateway {
  readonly #nestLogger = new NestLogger(Gateway.name);
  constructor(private readonly logger: PinoLogger) {}

  @WebwireRequest('work') async work(@MessageBody() user: string) {
    this.logger.assign({ user });
    this.logger.info(`before ${user}`);
    await nextTurn();
    this.#nestLogger.log(`after ${user}`);
  }
  @WebwireRequest('refuse') async refuse() {
    await nextTurn();
    throw new RangeError('no');
  }
  @WebwireRequest('fail') fail(@MessageBody() text: string) {
    throw new Error(text);
  }
  @WebwireRequest('fail later') async failLater(@MessageBody() text: string) {
    await nextTurn();
    throw new Error(text);
  }
  @WebwireSignal('note') async note(@MessageBody() text: string) {
    this.#nestLogger.log(text);
    await nextTurn();
    throw new Error(`${text} failed`);
  }
  @WebwireStream('two') async *two(@MessageBody() text: string) {
    for (let n = 0; n < 2; n++) {
      this.#nestLogger.log(`${text} ${n}`);
      yield n;
      await nextTurn();
    }
    throw new Error(`${text} failed`);
  }
  handleDisconnect() {
    this.#nestLogger.log('disconnected');
  }
}

async function start(configure: (nest: INestApplication) => unknown = () => undefined) {
  const metadata = { imports: [LogModule], providers: [Gateway] };
  const app = await TestApp.start(metadata, { sessions: false }, (nest) => {
    nest.useLogger(nest.get(Logger));
    configure(nest);
  });
  onTestFinished(() => app.close());
  return app.connect();
}

it('all log lines of a message have its id, its handler and its connection', async () => {
  const client = await start();
  await client.ask('work', 'Ada');
  const before = await line('before Ada');
  expect(before).toMatchObject({ message: 'work', user: 'Ada' });
  expect(before.reqId).toMatch(/^[0-9a-f-]{36}$/);
  const { reqId, connection } = before;
  expect(await line('in the guard', 'work')).toMatchObject({ reqId, connection });
  expect(await line('after Ada')).toMatchObject({ reqId, connection, message: 'work', user: 'Ada' });
});

it('the lines of messages that run at once have different ids', async () => {
  const client = await start();
  client.send('work', 'one');
  client.send('work', 'two');
  for (let n = 0; n < 2; n++) await client.next();
  const [one, two] = [await line('before one'), await line('before two')];
  expect(one.reqId).not.toBe(two.reqId);
  expect(one.connection).toBe(two.connection);
  expect(await line('after one')).toMatchObject({ reqId: one.reqId, user: 'one' });
  expect(await line('after two')).toMatchObject({ reqId: two.reqId, user: 'two' });
});

it('the lines of exception filters have the id', async () => {
  const client = await start();
  expect(await client.ask('refuse')).toBe('error NOT_NOW: later');
  const { reqId } = await line('in the guard', 'refuse');
  expect(reqId).toBeDefined();
  expect(await line('in the filter')).toMatchObject({ reqId, message: 'refuse' });
});

it.for(['fail', 'fail later'])('the line about the failure of a request has the id (%s)', async (name) => {
  const client = await start();
  expect(await client.ask(name, `${name}!`)).toBe('internal error');
  const { reqId } = await line('in the guard', name);
  expect(reqId).toBeDefined();
  expect(await line(`Request "${name}" failed`)).toMatchObject({ reqId, message: name });
});

it('the lines of a signal have the id, and that about its failure', async () => {
  const client = await start();
  client.signal('note', 'noted');
  const { reqId } = await line('noted');
  expect(reqId).toBeDefined();
  expect(await line('Signal "note" failed')).toMatchObject({ reqId });
});

it('the lines of a stream have one id, and that about its failure', async () => {
  const client = await start();
  await client.ask('wwr:extensions', '{"extensions":["stream"]}');
  client.send('two', 'item');
  const { reqId } = await line('item 0');
  expect(await line('item 1')).toMatchObject({ reqId, message: 'two' });
  expect(await line('Request "two" failed')).toMatchObject({ reqId });
});

it('LoggerErrorInterceptor changes neither the error of a message nor its body', async () => {
  const client = await start((nest) => nest.useGlobalInterceptors(new LoggerErrorInterceptor()));
  expect(await client.ask('refuse', 'x')).toBe('error NOT_NOW: later');
});

it('lines that belong to no message have no id', async () => {
  const client = await start();
  await client.ask('work', 'Eve');
  await client.close();
  expect(await line('disconnected')).not.toHaveProperty('reqId');
});
