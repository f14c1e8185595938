import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Server } from 'node:http';
import { HOST, report } from './report.js';

class BenchModule {}

interface NestServer {
  /** Gateways by name. The first argument of the process is the name of the gateway to serve. */
  readonly gateways: Readonly<Record<string, Type>>;
  readonly imports?: DynamicModule['imports'];
  /** Called before the application listens. */
  readonly prepare?: (app: INestApplication) => unknown;
}

/** Number of news that gateways send to all connections for each `go`. */
export const newsPerGo = Number(process.argv[3] ?? 1);

/** Serves one gateway in an application of its own. */
export async function serve({ gateways, imports = [], prepare }: NestServer): Promise<void> {
  const name = process.argv[2]!;
  const gateway = gateways[name];
  if (!gateway) throw new Error(`no gateway is called ${name}`);
  const app = await NestFactory.create({ module: BenchModule, imports, providers: [gateway] }, { logger: false });
  await prepare?.(app);
  await app.listen(0, HOST);
  report((app.getHttpServer() as Server).address());
}
