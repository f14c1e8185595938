import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TestApp } from '../support/test-app.js';
import { bundleProbe } from './bundle-probe.js';
import { ANSWERS } from './probe.js';
import { PrivateGateway, ProbeGateway, probeOptions, TOKEN } from './probe.gateway.js';
import { reactNativeGlobals, type ReactNativePlatform } from './react-native.js';
import { runScript, type Probing } from './realm.js';

let script: string;
let app: TestApp;

beforeAll(async () => {
  ({ script } = await bundleProbe('react-native'));
  app = await TestApp.start({ providers: [ProbeGateway, PrivateGateway] }, probeOptions());
  return () => app.close();
});

function platform(name: ReactNativePlatform, hasUtf16 = true): Probing {
  return runScript(script, reactNativeGlobals(name, hasUtf16));
}

describe.each(['android', 'ios'] as const)('a client on React Native (%s)', (name) => {
  it('connects, sends and receives, streams, and restores its session', async () => {
    expect([...(await platform(name).Probe.probe(app.url()))]).toEqual(ANSWERS);
  });

  it('reads UTF-16 where TextDecoder has UTF-8 only', async () => {
    expect([...(await platform(name, false).Probe.probe(app.url()))]).toEqual(ANSWERS);
  });

  it('sends headers', async () => {
    const { Probe } = platform(name);
    const client = new Probe.WebwireClient(app.url('/private'), { headers: { authorization: TOKEN } });
    onTestFinished(() => client.close());
    expect((await client.request('echo', 'a')).text()).toBe('a');
  });

  it('shows the status of a rejected upgrade', async () => {
    const { Probe } = platform(name);
    const client = new Probe.WebwireClient(app.url('/private'), { headers: { authorization: 'no' } });
    onTestFinished(() => client.close());
    await expect(client.connect()).rejects.toMatchObject({
      code: 'DISCONNECTED',
      status: 401,
      reason: '',
      message: expect.stringContaining('the server answered HTTP 401'),
    });
  });

  it('shows why it cannot connect', async () => {
    const { Probe } = platform(name);
    const client = new Probe.WebwireClient('ws://127.0.0.1:1');
    onTestFinished(() => client.close());
    await expect(client.connect()).rejects.toThrow(/ECONNREFUSED/);
  });

  it('takes the AbortSignal of the platform', async () => {
    const { Probe, AbortController: Controller } = platform(name);
    const client = new Probe.WebwireClient(app.url());
    onTestFinished(() => client.close());
    const controller = new Controller();
    const waiting = client.request('wait', undefined, { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELED', cause: undefined });
  });
});
