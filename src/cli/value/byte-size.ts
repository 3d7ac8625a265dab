/** Sizes in bytes as Docker's flags take them: "512m" is 512 times 2^20. Pure. */
import { OnggiError } from '../../errors.ts';

const units = 'bkmgtp';

/**
 * Bytes of "64", "1.5g", "512MB", "2KiB"; every unit counts by 1024, as in Docker.
 * @throws OnggiError `invalid`
 */
export function parseByteSize(text: string): number {
  const match = /^(\d+(?:\.\d*)?|\.\d+) ?([a-z]*)$/i.exec(text);
  if (match?.[1] === undefined) {
    const suffix = /^(?:\d+(?:\.\d*)?|\.\d+) ?(\D+)$/.exec(text)?.[1];
    throw new OnggiError('invalid', suffix === undefined ? `invalid size: '${text}'` : `invalid suffix: '${suffix}'`);
  }
  const suffix = (match[2] ?? '').toLowerCase();
  const power = suffix === '' ? 0 : units.indexOf(suffix.charAt(0));
  const rest = suffix.slice(1);
  if (power < 0 || (power === 0 ? rest !== '' : rest !== '' && rest !== 'b' && rest !== 'ib')) {
    throw new OnggiError('invalid', `invalid suffix: '${suffix}'`);
  }
  const bytes = Math.floor(Number(match[1]) * 1024 ** power);
  if (!Number.isSafeInteger(bytes)) throw new OnggiError('invalid', `invalid size: '${text}': more than 2^53 bytes`);
  return bytes;
}

/** As parseByteSize, or -1 for "unlimited" (`--memory-swap`). */
export function parseByteSizeOrUnlimited(text: string): number {
  return text === '-1' ? -1 : parseByteSize(text);
}
