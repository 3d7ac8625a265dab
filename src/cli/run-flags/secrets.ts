/** `--secret` of `run` and `create`. Pure. */
import type { ContainerOptions } from '../../engine/types.ts';
import { list, type Values } from '../definition.ts';
import { parseSecret } from '../value/secret.ts';

export const secretFlags = {
  secret: list(
    'list',
    parseSecret,
    'Give a secret: NAME, behind commas type=env, target=PATH, uid=7, gid=7, mode=0400',
  ),
} as const;

export function secretOptions({ secret }: Values<typeof secretFlags>): Pick<ContainerOptions, 'secrets'> {
  return secret.length === 0 ? {} : { secrets: secret };
}
