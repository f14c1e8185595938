import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Nodes } from './nodes.js';
import { Proxy } from './proxy.js';
import { REDIS_URL } from './redis.module.js';

const NODES = 3;

const logger = new Logger('Cluster');
const port = Number(process.env.PORT ?? 3000);

async function start(): Promise<void> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`PORT must be an integer from 0 to 65535, but is "${process.env.PORT}"`);
  }
  await findRedis();
  const nodes = new Nodes();
  const proxy = new Proxy(() => nodes.next());
  let isStopping = false;
  const stop = async () => {
    if (isStopping) return;
    isStopping = true;
    await nodes.stop();
    proxy.close();
  };
  process.on('SIGINT', () => void stop());
  process.on('SIGTERM', () => void stop());
  try {
    await nodes.start(NODES);
    if (isStopping) return;
    const url = `http://localhost:${await proxy.listen(port)}/`;
    logger.log(`The chat room is open: ${url} - in a terminal: npm run chat -- ${url}`);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @throws Error with instructions if there is no Redis. */
async function findRedis(): Promise<void> {
  const redis = new Redis(REDIS_URL, { lazyConnect: true, retryStrategy: null });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    const [, version = '?'] = /^redis_version:(\S+)/m.exec(await redis.info('server')) ?? [];
    if (Number.parseInt(version, 10) < 7) throw new Error(`it needs Redis 7 or later, but this is ${version}`);
  } catch (error) {
    const place = URL.canParse(REDIS_URL) ? `at ${new URL(REDIS_URL).host}` : 'there';
    throw new Error(
      `No Redis ${place} that can be used (${(error as Error).message}). Start one with "redis-server" or ` +
        '"docker run -p 6379:6379 redis:7", or say where it is: REDIS_URL=redis://… npm start',
      { cause: error },
    );
  } finally {
    redis.disconnect();
  }
}

try {
  await start();
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  logger.error(code === 'EADDRINUSE' ? `Port ${port} is in use: choose another with PORT=3001 npm start` : message);
  process.exitCode = 1;
}
