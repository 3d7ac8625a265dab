/** Characters of Unicode's category Cc, which would break a line or hide something in a name. Pure. */

/**
 * Without an expression: the engine would make it, and its tables of Unicode, for the first container of a process.
 *
 * @param allowed characters that are none here ("\t")
 */
export function holdsControl(text: string, allowed = ''): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if ((unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) && !allowed.includes(text.charAt(at))) return true;
  }
  return false;
}
