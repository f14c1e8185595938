/** Control characters except line feed and tab. They are invisible, and terminals execute them. */
// oxlint-disable-next-line no-control-regex
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

const LONE_SURROGATES = /\p{Surrogate}/gu;

/** Normalises a text: well-formed Unicode, line feeds only, no control characters, no blanks at start and end. */
export function cleanText(text: string): string {
  return text
    .replaceAll(LONE_SURROGATES, '\ufffd')
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(CONTROL_CHARACTERS, '')
    .trim();
}
