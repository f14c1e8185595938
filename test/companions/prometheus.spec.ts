import { MessageBody } from '@nestjs/websockets';
import { RequestError, WebwireGateway, WebwireRequest, WebwireSignal } from 'nestjs-webwire';
import { expect, it, onTestFinished } from 'vitest';
import { TestApp } from '../support/test-app.js';
import { PrometheusModule } from './prometheus.module.js';

@WebwireGateway()
class Gateway {
  @WebwireRequest('echo') async echo(@MessageBody() body: string) {
    return Promise.resolve(body);
  }
  @WebwireRequest('refuse') refuse() {
    throw new RequestError('NOT_NOW', 'later');
  }
  @WebwireSignal('note') note() {}
}

it('prom-client counts messages by route and outcome, connections, and clients that break the protocol', async () => {
  const app = await TestApp.start({ imports: [PrometheusModule], providers: [Gateway] }, { sessions: false });
  onTestFinished(() => app.close());
  const client = await app.connect();
  const other = await app.connect();
  await client.ask('echo', 'x');
  await client.ask('echo', 'x');
  await client.ask('a name of the client');
  client.signal('note', 'x');
  await client.ask('refuse');
  other.sendBytes('ff');
  await other.closed;
  const response = await fetch(`http://127.0.0.1:${app.port}/metrics`);
  expect(response.headers.get('content-type')).toContain('version=0.0.4');
  const lines = (await response.text()).split('\n');
  const count = 'webwire_message_duration_seconds_count';
  expect(lines).toEqual(
    expect.arrayContaining([
      `${count}{kind="request",route="echo",outcome="replied"} 2`,
      `${count}{kind="request",route="refuse",outcome="refused"} 1`,
      `${count}{kind="request",route="none",outcome="refused"} 1`,
      `${count}{kind="signal",route="note",outcome="handled"} 1`,
      'webwire_connections 1',
      'webwire_sessions 0',
      'webwire_violations_total 1',
      'webwire_dropped_connections_total 0',
    ]),
  );
});
