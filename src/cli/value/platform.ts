/** `--platform`, checked where it is written. Pure. */
import { parsePlatform } from '../../oci/platform.ts';

/** @returns the text as it stands. @throws OnggiError `invalid` */
export function parsedPlatform(text: string): string {
  parsePlatform(text);
  return text;
}
