/** `--volumes-from CONTAINER[:ro|rw]`. Pure. */
import type { ContainerOptions } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';

export type VolumesFrom = NonNullable<ContainerOptions['volumesFrom']>[number];

/** @throws OnggiError `invalid` */
export function parseVolumesFrom(text: string): VolumesFrom {
  const [container = '', mode, ...more] = text.split(':');
  if (container === '') throw new OnggiError('invalid', 'invalid empty volumes-from specification');
  if (more.length > 0 || (mode !== undefined && mode !== 'ro' && mode !== 'rw')) {
    throw new OnggiError('invalid', `invalid mode: ${[mode, ...more].join(':')}`, { hint: 'Write ro or rw.' });
  }
  // Without a word each mount stays what it is there.
  return { container, readOnly: mode === undefined ? null : mode === 'ro' };
}
