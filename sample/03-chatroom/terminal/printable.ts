// oxlint-disable-next-line no-control-regex
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Characters that change the direction or the order of the text around them. */
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Makes text of another person safe for a terminal: control characters, which move the cursor or change colours and the title of
 * the window, become `�`. Further lines are indented, so that a message cannot imitate a message of another person.
 */
export function printable(text: string): string {
  return text
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(CONTROL_CHARACTERS, '\ufffd')
    .replaceAll(DIRECTIONS, '')
    .replaceAll('\t', '    ')
    .replaceAll(/[\n\u2028\u2029]/g, '\n      | ');
}
