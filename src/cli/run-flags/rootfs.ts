/** A directory in the place of an image: a flag of `run` and `create`, as Podman has it. Pure. */
import { resolve } from 'node:path';
import type { RootDirectory } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { toggle } from '../definition.ts';

export const rootfsFlags = {
  rootfs: toggle('The first argument is no image but a directory: DIR, DIR:O to write elsewhere, DIR:idmap'),
} as const;

/** @param text `DIR[:O][:idmap]`. @throws OnggiError `invalid` */
export function parseRootfs(text: string, directory: string): RootDirectory {
  const [path = '', ...words] = text.split(':');
  if (path === '') throw new OnggiError('invalid', `--rootfs: "${text}" names no directory`);
  const unknown = words.flatMap((word) => word.split(',')).find((word) => word !== 'O' && word !== 'idmap');
  if (unknown !== undefined) {
    throw new OnggiError('invalid', `--rootfs: "${text}": unknown option "${unknown}"`, {
      hint: 'There are: O, idmap.',
    });
  }
  const given = new Set(words.flatMap((word) => word.split(',')));
  return { path: resolve(directory, path), overlay: given.has('O'), mapped: given.has('idmap') };
}
