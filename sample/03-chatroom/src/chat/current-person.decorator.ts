import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { WebwireConnection } from 'nestjs-webwire';

/** Injects the `Person` who sent the message. Requires the `SessionGuard`. */
export const CurrentPerson = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToWs().getClient<WebwireConnection>().info.person,
);
