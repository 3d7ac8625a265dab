/** A new container by the options of one that is there, with none of what it has written. */
import { findContainer } from '../../store/container-row.ts';
import type { Context } from '../context.ts';
import type { CloneOptions } from '../types/clone.ts';
import type { ContainerOptions, ContainerSummary } from '../types.ts';
import { createContainer } from './create.ts';
import { remove } from './end.ts';
import { lookUp } from './look-up.ts';

/** @throws OnggiError `not-found`, `exists` (name), `conflict` when it runs and is to be removed without `force` */
export async function cloneContainer(context: Context, ref: string, asked: CloneOptions): Promise<ContainerSummary> {
  const { id, row, options } = await lookUp(context, ref);
  // Ids and labels of its own are chosen anew.
  const { idMaps: _ids, selinux: _labels, name: _name, ...kept } = options;
  const name = asked.name ?? (asked.destroy === true ? row.name : freeName(context, row.name));
  const resources = { ...kept.resources, ...asked.resources };
  const wanted: ContainerOptions = {
    ...kept,
    name,
    resources,
    ...(asked.image !== undefined && { image: asked.image }),
  };
  if (asked.destroy === true) await remove(context, id, { force: asked.force === true });
  return await createContainer(context, wanted);
}

/** As Podman names them. */
function freeName({ store }: Context, name: string): string {
  for (let count = 0; ; count++) {
    const wanted = `${name}-clone${count === 0 ? '' : count}`;
    if (!isTaken(wanted)) return wanted;
  }
  function isTaken(wanted: string): boolean {
    try {
      return findContainer(store.database, wanted).name === wanted;
    } catch {
      return false;
    }
  }
}
