import type { INestApplication } from '@nestjs/common';
import type { AddressInfo } from 'node:net';

/** Reports the port of the node to the parent process, and ends the process together with the parent. */
export function reportPort(app: INestApplication): void {
  process.on('disconnect', () => process.exit());
  process.send?.((app.getHttpServer().address() as AddressInfo).port);
}
