/** Containers that have to run before another one starts (`--requires`). */
import { OnggiError } from '../../errors.ts';
import { findContainer } from '../../store/container-row.ts';
import { isRequired, requiredBy } from '../../store/requirement-row.ts';
import type { Store } from '../../store/store.ts';
import type { ContainerOptions } from '../types.ts';
import type { Container } from './container.ts';

/** By ID, since names can go to others. @throws OnggiError `not-found` */
export function resolveRequirements(store: Store, options: ContainerOptions): ContainerOptions {
  if (options.requires === undefined) return options;
  return { ...options, requires: options.requires.map((ref) => findContainer(store.database, ref).id) };
}

/**
 * Whether it is removed at its end. One that others require is kept, as by Podman: they start it again.
 * A requirement that is added at that very moment is too late.
 */
export function goesAtItsEnd(store: Store, { id, row }: Pick<Container, 'id' | 'row'>): boolean {
  return row.autoRemove && !isRequired(store.database, id);
}

/** Each had to be there when the next was made, so there is no way round in a circle. @param start starts one */
export async function startRequired({ options }: Container, start: (id: string) => Promise<void>): Promise<void> {
  for (const id of options.requires ?? []) await start(id);
}

/**
 * Removes those that require it first, and those that require them, or refuses.
 * @returns their names, in the order in which they went
 * @throws OnggiError `conflict` when there are any and none is to be removed
 */
export async function removeDependents(
  store: Store,
  { id, row }: Container,
  removeOne: ((id: string) => Promise<readonly string[]>) | undefined,
): Promise<string[]> {
  const dependents = requiredBy(store.database, id);
  if (dependents.length === 0) return [];
  if (removeOne === undefined) {
    const names = dependents.map(({ name }) => name).join(', ');
    throw new OnggiError(
      'conflict',
      `container ${row.name} has dependent containers which must be removed before it: ${names}`,
      { hint: 'Remove those first, or all of them together with --depend.' },
    );
  }
  const removed: string[] = [];
  for (const dependent of dependents) {
    removed.push(...(await removeIfThere(removeOne, dependent.id)), dependent.name);
  }
  return removed;
}

/** One may require two that go, and has gone with the first then. */
async function removeIfThere(
  removeOne: (id: string) => Promise<readonly string[]>,
  id: string,
): Promise<readonly string[]> {
  try {
    return await removeOne(id);
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return [];
    throw error;
  }
}
