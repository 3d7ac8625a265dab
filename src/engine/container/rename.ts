/** Another name for a container. */
import { OnggiError } from '../../errors.ts';
import { containerStates, updateContainer } from '../../store/container-row.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { containerNews } from '../event/news.ts';
import { withEventTail } from '../event/tail-file.ts';
import { containerOf } from './container.ts';
import { parseContainerName } from './name.ts';
import { withContainer } from './settled.ts';

/** @throws OnggiError `invalid`, `exists` */
export async function rename(context: Context, ref: string, name: string): Promise<void> {
  const { store } = context;
  await withContainer(context, ref, async ({ row }) => {
    const wanted = parseContainerName(name);
    if (wanted === row.name) {
      throw new OnggiError('invalid', `cannot rename container "${row.name}": it has that name already`);
    }
    const renamed = containerOf(store, { ...row, name: wanted });
    withEventTail(renamed, () => updateContainer(store.database, row.id, containerStates, { name: wanted }));
    emit(store, containerNews(renamed, 'rename', { oldName: `/${row.name}` }));
  });
}
