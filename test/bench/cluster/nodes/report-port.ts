import type { INestApplication } from '@nestjs/common';
import type { AddressInfo } from 'node:net';

/** Tells the parent process where the node listens; it ends with the parent. */
export function reportPort(app: INestApplication): void {
  process.on('disconnect', () => process.exit());
  process.send?.((app.getHttpServer().address() as AddressInfo).port);
}
