/**
 * Characters that change how terminals and editors show a text: control characters, line separators, lone surrogates, and those
 * that reverse the direction of writing. Joiners, of which some scripts and emoji consist, are none of them.
 */
const DECEPTIVE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

/** Escapes what others have written, such as a document, for a line of code or of a terminal. */
export function escapeDeceptive(text: string): string {
  return text.replaceAll(DECEPTIVE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
