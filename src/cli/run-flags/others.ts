/** What `run` and `create` have to do with containers that are there: those that it takes the name of, those it needs. Pure. */
import type { ContainerOptions } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import type { EngineFace } from '../context.ts';
import { asIs, list, toggle, type Values } from '../definition.ts';

export const otherFlags = {
  replace: toggle('Remove a container of the same name first'),
  requires: list('list', asIs, 'Start this container first, whenever this one starts'),
} as const;

type OtherFlags = Values<typeof otherFlags>;

/** @throws OnggiError `invalid` */
export function otherOptions(
  { replace, requires }: OtherFlags,
  name: string | undefined,
): Pick<ContainerOptions, 'requires'> {
  if (replace && (name ?? '') === '') {
    throw new OnggiError('invalid', 'cannot replace container without --name being set');
  }
  const wanted = requires.flatMap((text) => text.split(','));
  return wanted.length === 0 ? {} : { requires: wanted };
}

/** Right before the new one is made: what is wrong about that is told before the old one goes. */
export async function makeRoom({ replace }: OtherFlags, options: ContainerOptions, engine: EngineFace): Promise<void> {
  const { name } = options;
  if (!replace || name === undefined) return;
  await engine.containers.check(options);
  try {
    // A name, and not the beginning of somebody's ID.
    const { id, name: found } = await engine.containers.get(name);
    if (found === name) await engine.containers.remove(id, { force: true });
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'not-found') throw error;
  }
}
