import { createHash } from 'node:crypto';

/** A Lua script, which Redis runs atomically. */
export class Script {
  readonly digest: string;

  constructor(readonly source: string) {
    this.digest = createHash('sha1').update(source).digest('hex');
  }
}
