import { JwtService } from '@nestjs/jwt';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { refusal } from '../support/refusal.js';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';
import { AuthModule, SECRET } from './jwt.module.js';

async function start() {
  const app = await TestApp.start({ imports: [AuthModule] }, { sessions: false });
  onTestFinished(() => app.close());
  const sign = (sub: string) => app.get(JwtService).sign({ sub });
  const connect = async (query: string, headers = {}) => {
    const client = await WireClient.connect(app.url(`/${query}`), { headers });
    onTestFinished(() => client.socket.terminate());
    return client;
  };
  return { app, sign, connect };
}

afterEach(() => void vi.useRealTimers());

it('passport lets clients with a valid token connect, by header or by URL, and handlers get the user', async () => {
  const { sign, connect } = await start();
  const withHeader = await connect('', { authorization: `Bearer ${sign('Ada')}` });
  const withQuery = await connect(`?token=${sign('Bob')}`);
  expect(await withHeader.ask('me')).toBe('utf8 {"name":"Ada"}');
  expect(await withQuery.ask('me')).toBe('utf8 {"name":"Bob"}');
});

it('passport refuses clients without a token, with a wrong one and with an expired one', async () => {
  const { app, sign } = await start();
  const foreign = new JwtService({ secret: `${SECRET}!` }).sign({ sub: 'Eve' });
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${sign('Eve').split('.')[1]}.`;
  const expired = app.get(JwtService).sign({ sub: 'Ada' }, { expiresIn: -1 });
  for (const query of ['', `?token=${foreign}`, `?token=${unsigned}`, `?token=${expired}`, '?token=x', '?token=']) {
    expect(await refusal(app.url(`/${query}`))).toBe('401 Unauthorized');
  }
});

it('a message after the expiry of the token is refused, and the client connects again with a new one', async () => {
  const { sign, connect } = await start();
  vi.useFakeTimers({ toFake: ['Date'] });
  const client = await connect(`?token=${sign('Ada')}`);
  expect(await client.ask('me')).toBe('utf8 {"name":"Ada"}');
  vi.setSystemTime(Date.now() + 16 * 60_000);
  expect(await client.ask('me')).toBe('error UNAUTHORIZED: Unauthorized');
  const again = await connect(`?token=${sign('Ada')}`);
  expect(await again.ask('me')).toBe('utf8 {"name":"Ada"}');
  expect(await client.ask('me')).toBe('error UNAUTHORIZED: Unauthorized');
});
