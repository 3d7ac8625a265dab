/** `rm --link`: a container forgets another one that it knows by a name. */
import { OnggiError } from '../../errors.ts';
import { containerStates, updateContainer } from '../../store/container-row.ts';
import type { Context } from '../context.ts';
import { encodeChanged } from './container.ts';
import { withContainer } from './settled.ts';

/**
 * From its next start on; what stands in the files of a container that runs stays there.
 * @param path "/CONTAINER/ALIAS", as `inspect` shows links
 * @throws OnggiError `invalid`, `not-found`
 */
export async function unlink(context: Context, path: string): Promise<void> {
  const [parent = '', alias, ...rest] = path.replace(/^\//, '').split('/');
  if (alias === undefined || alias === '' || rest.length > 0) {
    throw new OnggiError('invalid', 'Conflict, cannot remove the default link name of the container', {
      hint: 'Write the link as "CONTAINER/ALIAS".',
    });
  }
  await withContainer(context, parent, async (container) => {
    const { row, options } = container;
    const { links = [], ...others } = options;
    const left = links.filter((link) => link.alias !== alias);
    if (left.length === links.length) throw new OnggiError('not-found', `No such link: /${row.name}/${alias}`);
    const changed = { ...others, ...(left.length > 0 && { links: left }) };
    updateContainer(context.store.database, row.id, containerStates, {
      options: encodeChanged(container, changed),
    });
  });
}
