/** Reads the first parts of a connection: the response to the upgrade, the first message, the first reply. */
export class Opening {
  #bytes = Buffer.alloc(0);
  #wake: (() => void) | undefined;

  push(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    this.#wake?.();
  }

  /** The head of an HTTP response. */
  takeHead(): Promise<Buffer> {
    const end = '\r\n\r\n';
    return this.#take((bytes) => (bytes.includes(end) ? bytes.indexOf(end) + end.length : Infinity));
  }

  /** A frame of a server with at most 65 535 bytes of payload. */
  takeFrame(): Promise<Buffer> {
    return this.#take((bytes) => {
      const length = bytes[1] ?? Infinity;
      if (length !== 126) return 2 + length;
      return bytes.length < 4 ? Infinity : 4 + bytes.readUInt16BE(2);
    });
  }

  /** Has no timeout: the caller of the process has one. */
  async #take(measure: (bytes: Buffer) => number): Promise<Buffer> {
    while (measure(this.#bytes) > this.#bytes.length) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const length = measure(this.#bytes);
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }
}
