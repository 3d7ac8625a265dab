/** What a container may write to the disk: a flag of `run` and `create`, and what it asks the engine for. Pure. */
import type { ContainerOptions } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { list, type Values } from '../definition.ts';
import { parseByteSize } from '../value/byte-size.ts';

export const storageFlags = {
  'storage-opt': list('option', parseStorageOption, 'Option of the storage driver: size=10G limits what it may write'),
} as const;

/** @returns bytes. @throws OnggiError `invalid` */
function parseStorageOption(text: string): number {
  const [, name = text, value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (name.toLowerCase() !== 'size' || value === '') {
    throw new OnggiError('invalid', `storage option '${text}': there is size=BYTES alone`);
  }
  const bytes = parseByteSize(value);
  if (bytes <= 0) throw new OnggiError('invalid', `storage option '${text}': the size is not more than 0`);
  return bytes;
}

/** The last one counts. */
export function storageOptions(flags: Values<typeof storageFlags>): Pick<ContainerOptions, 'storageSize'> {
  const size = flags['storage-opt'].at(-1);
  return size === undefined ? {} : { storageSize: size };
}
