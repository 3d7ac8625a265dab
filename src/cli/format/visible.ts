/**
 * Text of others for people: what an image, a registry or a process has named must not move the cursor, change the
 * title, answer for the terminal or reorder what is read. Pure.
 */

/**
 * ECMA-48's control characters (C0 without line feed and tab, DEL, C1), and Unicode's bidirectional formatting
 * characters (UAX #9, section 2), which show a name as another one.
 */
const unseen = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Control characters as the escapes by which a programmer would write them: `\x1b`, `\u202e`. */
export function visible(text: string): string {
  return text.replace(unseen, (found) => {
    const number = found.charCodeAt(0).toString(16);
    return found <= '\xff' ? `\\x${number.padStart(2, '0')}` : `\\u${number.padStart(4, '0')}`;
  });
}

const ascii = /^[ -~]*$/;

/** The same on one line. */
export function visibleLine(text: string): string {
  if (ascii.test(text)) return text;
  return visible(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}
