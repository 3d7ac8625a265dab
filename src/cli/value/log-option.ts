/** `--log-opt max-size=10m` and `max-file=3` of the json-file driver. Pure. */
import type { LogOptions } from '../../engine/types.ts';
import { OnggiError, unsupported } from '../../errors.ts';
import { parseByteSize } from './byte-size.ts';
import { integer } from './number.ts';

export type LogOption = { readonly key: 'max-size' | 'max-file'; readonly value: number };

/** Other options of Docker's json-file driver. */
const notYet = ['labels', 'labels-regex', 'env', 'env-regex', 'compress', 'tag', 'mode', 'max-buffer-size'];

/** @throws OnggiError `invalid` or `unsupported` */
export function parseLogOption(text: string): LogOption {
  const equals = text.indexOf('=');
  const key = equals < 0 ? text : text.slice(0, equals);
  const value = equals < 0 ? '' : text.slice(equals + 1);
  if (key === 'max-size') return { key, value: value === '-1' ? 0 : parseByteSize(value) };
  if (key === 'max-file') return { key, value: integer(1, 1000)(value) };
  if (notYet.includes(key)) throw unsupported(`log option '${key}'`);
  throw new OnggiError('invalid', `unknown log opt '${key}' for json-file log driver`);
}

/** @throws OnggiError `invalid` when files are counted that would never be rotated */
export function logOptionsOf(options: readonly LogOption[]): LogOptions | undefined {
  if (options.length === 0) return undefined;
  const maxSize = options.findLast(({ key }) => key === 'max-size')?.value ?? 0;
  const maxFiles = options.findLast(({ key }) => key === 'max-file')?.value ?? 1;
  if (maxSize === 0 && maxFiles > 1) {
    throw new OnggiError('invalid', `log option max-file=${maxFiles} has no effect without max-size`, {
      hint: 'Add --log-opt max-size=10m.',
    });
  }
  return { maxSize, maxFiles };
}
