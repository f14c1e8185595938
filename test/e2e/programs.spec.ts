import { expect, it } from 'vitest';
import { runProgram } from '../support/program.js';

const IMPORTS = `
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { MemorySessionManager, SessionManager, WebwireAdapter, WebwireGateway, WebwireModule } from 'nestjs-webwire';
`;

it('the adapter alone starts an application that does not import the module', async () => {
  const { output, errors, code } = await runProgram(`${IMPORTS}
    @WebSocketGateway()
    class PlainGateway {
      @SubscribeMessage('x') x() {}
    }
    @Module({ providers: [PlainGateway] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
    app.useWebSocketAdapter(new WebwireAdapter(app));
    await app.listen(0);
    console.log('listening');
    await app.close();
  `);
  expect(errors).toBe('');
  expect(output).toBe('listening\n');
  expect(code).toBe(0);
});

it('a session manager that waits for itself ends the program with an explanation', async () => {
  const { errors, code } = await runProgram(`${IMPORTS}
    @Injectable()
    class Service {
      constructor(manager: SessionManager) {}
    }
    @Module({ providers: [Service], exports: [Service] })
    class ServiceModule {}
    @Injectable()
    class Circular extends MemorySessionManager {
      constructor(service: Service) {
        super();
      }
    }
    @Module({ imports: [WebwireModule.forRoot({ imports: [ServiceModule], sessions: { manager: Circular } })] })
    class AppModule {}
    async function bootstrap() {
      await NestFactory.create(AppModule, { logger: ['error'] });
    }
    void bootstrap();
  `);
  expect(errors).toContain(
    'Circular dependency: the provider of sessions.manager depends on a provider that injects SessionManager',
  );
  expect(code).toBe(1);
});

it('on a signal to the process, handlers finish before providers are destroyed', async () => {
  const { output, errors, code } = await runProgram(`${IMPORTS}
    import { MessageBody } from '@nestjs/websockets';
    import { WebwireRequest } from 'nestjs-webwire';
    import { decodeMessage, encodeMessage, Payload } from 'nestjs-webwire/protocol';
    import { WebSocket } from 'ws';

    @Injectable()
    class Database {
      onModuleDestroy() {
        console.log('destroyed');
      }
    }
    @WebwireGateway()
    class Gateway {
      constructor(database: Database) {}
      @WebwireRequest('end') async end(@MessageBody() signal: string) {
        const draining = new Promise((resolve) => socket.on('message', resolve));
        process.kill(process.pid, signal);
        process.once(signal, () => socket.send(request('refused')));
        await draining;
        console.log('handled');
        return 'done';
      }
      async handleDisconnect(connection, reason) {
        await new Promise(setImmediate);
        console.log('left by', reason);
      }
    }
    @Module({ imports: [WebwireModule.forRoot()], providers: [Gateway, Database] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
    app.enableShutdownHooks();
    await app.listen(0, '127.0.0.1');
    const request = (name) =>
      encodeMessage({ type: 128, id: new Uint8Array(8), name, payload: Payload.utf8('SIGTERM').bytes });
    const socket = new WebSocket('ws://127.0.0.1:' + app.getHttpServer().address().port);
    socket.on('message', (bytes) => console.log('type', decodeMessage(bytes).type));
    socket.once('message', () => socket.send(request('end')));
  `);
  expect(errors).toBe('');
  const lines = ['type 23', 'type 1', 'handled', 'type 192', 'left by shutdown', 'destroyed'];
  expect(output.trim().split('\n')).toEqual(lines);
  expect(code).toBeNull();
});

it('replies are written even if the program fails in the same turn of the event loop', async () => {
  const { output, errors, code } = await runProgram(`${IMPORTS}
    import { once } from 'node:events';
    import { writeSync } from 'node:fs';
    import { connect } from 'node:net';
    import { WebwireRequest } from 'nestjs-webwire';
    import { encodeMessage, MessageType } from 'nestjs-webwire/protocol';

    @WebwireGateway()
    class Gateway {
      @WebwireRequest('answer and fail') answerAndFail() {
        process.nextTick(() => {
          throw new Error('failed');
        });
      }
    }
    @Module({ imports: [WebwireModule.forRoot()], providers: [Gateway] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
    await app.listen(0);
    const connected = once(app.getHttpServer(), 'connection');
    const client = connect(app.getHttpServer().address().port);
    client.write('GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n' +
      'Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n');
    const [socket] = await connected;
    await once(client, 'data');
    const write = socket.write;
    socket.write = function (...args) {
      writeSync(1, 'answered\\n');
      return write.apply(this, args);
    };
    const message = encodeMessage({ type: MessageType.RequestBinary, id: Buffer.alloc(8), name: 'answer and fail' });
    socket.emit('data', Buffer.from([0x82, 0x80 | message.length, 0, 0, 0, 0, ...message]));
    writeSync(1, 'handled\\n');
  `);
  expect(output).toBe('answered\nhandled\n');
  // Bun writes it in lower case.
  expect(errors).toMatch(/error: failed/i);
  expect(code).toBe(1);
});
