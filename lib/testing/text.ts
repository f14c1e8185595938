/** Longest text of a peer that is shown, in characters. */
const MAX_TEXT = 200;

/** Cuts a long text. */
export function cutText(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** Quotes a text in one line. */
export function inQuotes(text: string): string {
  return escapeControls(JSON.stringify(text));
}

/** Escapes characters that change how a terminal shows a line: control characters, and those that reverse the direction of writing. */
export function escapeControls(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
