import type { NestExpressApplication } from '@nestjs/platform-express';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Vite builds the page in `../web` into this folder. */
const PAGE = fileURLToPath(new URL('../page/', import.meta.url));

/** Allows only resources of this server, and no inline scripts or styles. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'", // includes the WebSocket
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Serves the page at `/`, from the folder `directory`. */
export function serveWebPage(app: NestExpressApplication, directory: string = PAGE): void {
  app.disable('x-powered-by');
  app.useStaticAssets(directory, {
    setHeaders(response, path) {
      response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
      response.setHeader('X-Content-Type-Options', 'nosniff');
      response.setHeader('Referrer-Policy', 'no-referrer');
      // The name of an asset contains a hash of its content, so it can be cached.
      const isAsset = path.startsWith(`${directory}assets${sep}`);
      response.setHeader('Cache-Control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}
