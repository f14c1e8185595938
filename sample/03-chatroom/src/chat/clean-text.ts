/** Control characters other than line feed and tab: nobody sees them, and terminals obey them. */
// oxlint-disable-next-line no-control-regex
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** What somebody meant to say: well-formed, with line feeds alone, no control characters, nothing blank around it. */
export function cleanText(text: string): string {
  return Buffer.from(text).toString().replaceAll(/\r\n?/g, '\n').replaceAll(CONTROL_CHARACTERS, '').trim();
}
