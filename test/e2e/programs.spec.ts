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
  expect(errors).toContain('sessions.manager is never made: it depends on what injects SessionManager');
  expect(code).toBe(1);
});
