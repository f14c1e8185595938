/** Codes below 3000 that a close frame may contain (RFC 6455, section 7.4, and the IANA registry). */
const KNOWN: ReadonlySet<number> = new Set([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]);

/** Returns `true` if a close frame may contain this code. */
export function isCloseCode(code: number): boolean {
  return KNOWN.has(code) || (code >= 3000 && code <= 4999);
}
