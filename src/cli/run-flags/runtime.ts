/** Which OCI runtime makes a container. Pure. */
import type { ContainerOptions } from '../../engine/types.ts';
import { asIs, single, type Values } from '../definition.ts';

export const runtimeFlags = {
  runtime: single(
    'string',
    asIs,
    'OCI runtime that makes the container, by name or absolute path; onggi itself if absent',
    {
      shown: 'onggi',
    },
  ),
} as const;

export function runtimeOptions({ runtime }: Values<typeof runtimeFlags>): Pick<ContainerOptions, 'runtime'> {
  return runtime === undefined ? {} : { runtime };
}
