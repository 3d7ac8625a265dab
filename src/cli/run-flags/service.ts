/** Containers of services, and containers that have services. Pure. */
import { resolve } from 'node:path';
import type { ContainerOptions } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { asIs, single, type Values } from '../definition.ts';
import { oneOf } from '../value/number.ts';

const modes = ['container', 'conmon', 'healthy', 'ignore'] as const;

export const serviceFlags = {
  'init-path': single('file', asIs, 'With --init: the program of this machine that is the init, in the place of ours'),
  sdnotify: single(
    'string',
    oneOf('sdnotify mode', modes),
    'Who tells the service manager that the container is ready: container, conmon when it runs, healthy, or ignore',
    { shown: 'ignore' },
  ),
  systemd: single(
    'string',
    parseSystemd,
    'The first process is a systemd, which gets what it needs: true (when its command is one), always or false',
    { shown: 'true' },
  ),
} as const;

/** Other words for true and false are Go's, which Podman takes as well. */
function parseSystemd(text: string): 'auto' | 'always' | 'never' {
  if (text === 'always') return 'always';
  if (['true', 'True', 'TRUE', 't', 'T', '1'].includes(text)) return 'auto';
  if (['false', 'False', 'FALSE', 'f', 'F', '0'].includes(text)) return 'never';
  throw new OnggiError('invalid', `invalid value "${text}" systemd option requires 'true, false, always'`);
}

/** @param directory that a relative path is taken from */
export function serviceOptions(
  { sdnotify, systemd, 'init-path': initPath }: Values<typeof serviceFlags>,
  directory: string,
): Pick<ContainerOptions, 'sdnotify' | 'systemd' | 'initPath'> {
  return {
    ...(sdnotify !== undefined && { sdnotify }),
    ...(systemd !== undefined && systemd !== 'auto' && { systemd }),
    ...(initPath !== undefined && { initPath: resolve(directory, initPath) }),
  };
}
