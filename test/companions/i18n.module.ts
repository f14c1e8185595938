import { Injectable, Module, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { AcceptLanguageResolver, I18nContext, I18nModule, type I18nResolver } from 'nestjs-i18n';
import type { WebwireConnection } from 'nestjs-webwire';
import { fileURLToPath } from 'node:url';

const LANGUAGES = ['en', 'de'];

/** Takes the language from the URL of the connection: `?lang=de`. */
@Injectable()
export class UrlLanguageResolver implements I18nResolver {
  resolve(context: ExecutionContext) {
    if (context.getType() !== 'ws') return undefined;
    const { url } = context.switchToWs().getClient<WebwireConnection>().request;
    const language = new URLSearchParams(url.split('?')[1]).get('lang');
    return LANGUAGES.find((known) => known === language);
  }
}

/** nestjs-i18n sets `I18nContext.current()` for the first message of a connection only. This sets it for the others. */
@Injectable()
export class MessageLanguage implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    const language = I18nContext.current(context);
    if (!language || context.getType() !== 'ws') return next.handle();
    let reply = undefined as ReturnType<CallHandler['handle']> | undefined;
    I18nContext.create(language, () => (reply = next.handle()));
    return reply!;
  }
}

@Module({
  imports: [
    I18nModule.forRoot({
      fallbackLanguage: 'en',
      loaderOptions: { path: fileURLToPath(new URL('i18n/', import.meta.url)) },
      resolvers: [UrlLanguageResolver, AcceptLanguageResolver],
    }),
  ],
  providers: [{ provide: APP_INTERCEPTOR, useClass: MessageLanguage }],
})
export class LanguageModule {}
