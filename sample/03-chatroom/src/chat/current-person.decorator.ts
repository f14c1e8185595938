import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { WebwireConnection } from 'nestjs-webwire';

/** The `Person` who sent the message. Needs the `SessionGuard`. */
export const CurrentPerson = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToWs().getClient<WebwireConnection>().info.person,
);
