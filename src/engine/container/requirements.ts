/** Containers that have to run before another one starts (`--requires`). */
import { OnggiError } from '../../errors.ts';
import { findContainer, listContainers } from '../../store/container-row.ts';
import type { Store } from '../../store/store.ts';
import type { ContainerOptions } from '../types.ts';
import { type Container, containerOf } from './container.ts';

/** By ID, since names can go to others. @throws OnggiError `not-found` */
export function resolveRequirements(store: Store, options: ContainerOptions): ContainerOptions {
  if (options.requires === undefined) return options;
  return { ...options, requires: options.requires.map((ref) => findContainer(store.database, ref).id) };
}

/** Each had to be there when the next was made, so there is no way round in a circle. @param start starts one */
export async function startRequired({ options }: Container, start: (id: string) => Promise<void>): Promise<void> {
  for (const id of options.requires ?? []) await start(id);
}

/** @throws OnggiError `conflict` when others need it */
export function checkNotRequired(store: Store, { id, row }: Container): void {
  const dependents = listContainers(store.database).filter(
    (other) => other.id !== id && containerOf(store, other).options.requires?.includes(id) === true,
  );
  if (dependents.length === 0) return;
  const names = dependents.map(({ name }) => name).join(', ');
  throw new OnggiError(
    'conflict',
    `container "${row.name}" is required by others, which must be removed before it: ${names}`,
    {
      hint: 'Remove those first, or use -f.',
    },
  );
}
