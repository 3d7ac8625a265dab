/** What a container of a service tells the service manager. Pure. */
import type { ContainerOptions } from '../../engine/types.ts';
import { single, type Values } from '../definition.ts';
import { oneOf } from '../value/number.ts';

const modes = ['container', 'conmon', 'healthy', 'ignore'] as const;

export const serviceFlags = {
  sdnotify: single(
    'string',
    oneOf('sdnotify mode', modes),
    'Who tells the service manager that the container is ready: container, conmon when it runs, healthy, or ignore',
    { shown: 'ignore' },
  ),
} as const;

export function serviceOptions({ sdnotify }: Values<typeof serviceFlags>): Pick<ContainerOptions, 'sdnotify'> {
  return sdnotify === undefined ? {} : { sdnotify };
}
