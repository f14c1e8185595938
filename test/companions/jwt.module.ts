import { Injectable, Module, UseGuards, type ExecutionContext } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { ConnectedSocket } from '@nestjs/websockets';
import { UseHandshakeGuards, WebwireConnection, WebwireGateway, WebwireRequest, type Handshake } from 'nestjs-webwire';
import { ExtractJwt, Strategy } from 'passport-jwt';

export const SECRET = 'a secret of at least 256 bits, which belongs into the configuration';

@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    // Browsers can only put the token into the URL.
    const extractors = [ExtractJwt.fromAuthHeaderAsBearerToken(), ExtractJwt.fromUrlQueryParameter('token')];
    super({ jwtFromRequest: ExtractJwt.fromExtractors(extractors), secretOrKey: SECRET, algorithms: ['HS256'] });
  }

  validate({ sub }: { sub: string }) {
    return { name: sub };
  }
}

/** Checks the token of the upgrade: when the client connects, and before each of its messages, as tokens expire. */
@Injectable()
export class JwtGuard extends AuthGuard('jwt') {
  override getRequest(context: ExecutionContext) {
    if (context.getType() !== 'ws') return super.getRequest(context);
    return context.switchToWs().getClient<WebwireConnection>().request;
  }
}

/** As `JwtGuard`, for `@UseHandshakeGuards()`: puts the user into `connection.info`. */
@Injectable()
export class JwtHandshakeGuard extends JwtGuard {
  override handleRequest<User>(error: unknown, user: User | false, reason: unknown, context: ExecutionContext): User {
    const found: User = super.handleRequest(error, user, reason, context);
    context.switchToWs().getData<Handshake>().info.user = found;
    return found;
  }
}

@UseHandshakeGuards(JwtHandshakeGuard)
@UseGuards(JwtGuard)
@WebwireGateway()
export class AccountGateway {
  @WebwireRequest('me')
  me(@ConnectedSocket() connection: WebwireConnection) {
    return connection.info.user;
  }
}

@Module({
  imports: [
    PassportModule.register({ defaultStrategy: 'jwt' }),
    JwtModule.register({ secret: SECRET, signOptions: { expiresIn: '15m' } }),
  ],
  providers: [JwtStrategy, AccountGateway],
  exports: [JwtModule],
})
export class AuthModule {}
