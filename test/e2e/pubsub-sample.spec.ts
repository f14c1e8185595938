import { it } from 'vitest';
import { SampleProgram } from '../support/sample-program.js';

/** A program of the sample. */
const start = (file: string, args: readonly string[] = [], port = '0') =>
  new SampleProgram('02-pubsub', `src/${file}`, { args, port });

it('sends publications of one application through the broker to subscribers, also after a restart of the broker', async () => {
  const broker = start('broker/main.js');
  const [, url, port] = await broker.says(/Topics at (ws:\/\/localhost:(\d+))/);
  const subscriber = start('subscriber.js', [url!, 'weather/berlin']);
  await subscriber.says(/subscribed to weather\/berlin/);
  const station = start('station/main.js', [url!]);
  await subscriber.says(/Z weather\/berlin: -?[\d.]+ °C\n/);
  await station.says(/°C \(to 1 subscribers\)/);

  await broker.end('SIGTERM');
  await subscriber.says(/the connection to the broker is lost/);
  await station.says(/Client "broker" has no connection, and tries again/);
  await start('broker/main.js', [], port).says(/Topics at/);
  await subscriber.says(/subscribed to weather\/berlin/);
  await subscriber.says(/Z weather\/berlin: -?[\d.]+ °C\n/);

  await station.end('SIGTERM');
  await subscriber.says(/weather\/berlin: the station closes\n/);
});
