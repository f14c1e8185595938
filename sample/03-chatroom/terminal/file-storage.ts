import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Like `localStorage` of browsers, in a file that only its owner can read. */
export class FileStorage {
  constructor(private readonly file: string) {}

  getItem(name: string): string | null {
    return this.#read().get(name) ?? null;
  }

  setItem(name: string, value: string): void {
    this.#write(this.#read().set(name, value));
  }

  removeItem(name: string): void {
    const items = this.#read();
    if (items.delete(name)) this.#write(items);
  }

  /** Reads the file. Returns an empty map if there is no file, or if its content is invalid. */
  #read(): Map<string, string> {
    try {
      const content: unknown = JSON.parse(readFileSync(this.file, 'utf8'));
      const items = Object.entries(content ?? {}).filter(([, value]) => typeof value === 'string');
      return new Map(items as [string, string][]);
    } catch {
      return new Map();
    }
  }

  #write(items: Map<string, string>): void {
    if (items.size === 0) {
      rmSync(this.file, { force: true });
      return;
    }
    // Writes a new file, because an existing one would keep its permissions, and could be a link to another file.
    const temporary = `${this.file}.${process.pid}`;
    rmSync(temporary, { force: true });
    writeFileSync(temporary, `${JSON.stringify(Object.fromEntries(items))}\n`, { mode: 0o600, flag: 'wx' });
    renameSync(temporary, this.file);
  }
}
