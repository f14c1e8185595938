/** Longest quotation of a peer's text in a message, in characters. */
const MAX_QUOTE = 200;

/** Quotes text of a peer: cut to `MAX_QUOTE`, on one line, and without control characters, which change the output of a terminal. */
export function quote(text: string): string {
  const cut = text.length > MAX_QUOTE ? `${text.slice(0, MAX_QUOTE)}…` : text;
  return printable(JSON.stringify(cut));
}

export function printable(text: string): string {
  return text.replace(/[^ -~\u00a1-\u1fff\u2026\u2c00-\ud7ff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
