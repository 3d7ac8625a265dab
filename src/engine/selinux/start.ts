/** What gets a SELinux label at each start of a container: the engine's files, its volumes, what :z and :Z name. Acts. */
import { existsSync, mkdirSync } from 'node:fs';
import { fromSystemError } from '../../errors.ts';
import { isTree } from '../../image/tree-mark.ts';
import { unprivileged } from '../../kernel/user-namespace.ts';
import { volumeDataPath } from '../../store/layout.ts';
import type { Container } from '../container/container.ts';
import type { Context } from '../context.ts';
import { imageTrees } from '../mount/image-volume.ts';
import type { BindMount } from '../types.ts';
import { realPlace, realSource, storePlace } from '../volume/real-source.ts';
import { volumeFacts } from '../volume/volume.ts';
import type { AnyMount } from '../volume/volume-mount.ts';
import { sharedLabel } from './label.ts';
import { type Relabelling, relabel } from './relabel.ts';

/** @param shared whether others have its files of /etc, too. @throws OnggiError `denied` for directories of the system */
export async function labelFiles(context: Context, container: Container, shared: boolean): Promise<void> {
  const { files, options } = container;
  const { selinux } = options;
  if (selinux === undefined) return;
  const { mount } = selinux;
  const at = (path: string, label: string): Relabelling => ({ ...storePlace(path), label });
  const etc = [files.hostname, files.hosts, files.resolv].map((path) => at(path, shared ? sharedLabel(mount) : mount));
  const work = [
    ...(shared ? [] : etc),
    ...(existsSync(files.secrets) ? [at(files.secrets, mount)] : []),
    ...[...(isTree(files) ? [files.tree] : []), ...imageTrees(context.store, container)].map((tree) => ({
      ...at(tree, mount),
      unlessDone: true,
    })),
    ...(options.mounts ?? []).flatMap((each) => mountWork(context, each, mount)),
  ];
  const user = unprivileged();
  if (user === undefined) for (const each of work) relabel(each);
  else (await import('../mapped/ask.ts')).askMapped(context, user, { op: 'relabel', work });
}

function mountWork(context: Context, mount: AnyMount, label: string): Relabelling[] {
  if (mount.type === 'bind') return mount.relabel === undefined ? [] : [bound(mount, label)];
  if (mount.type !== 'volume' || mount.name === undefined) return [];
  // One that mounts something else has no files of its own.
  if (Object.keys(volumeFacts(context.store, mount.name).options).length > 0) return [];
  const wanted = mount.relabel === 'private' ? label : sharedLabel(label);
  const data = volumeDataPath(context.store.layout, mount.name);
  return [{ ...storePlace(data), label: wanted, unlessDone: mount.relabel === undefined }];
}

/** What is missing is made first, as the init would later. */
function bound({ source, relabel: how }: BindMount, label: string): Relabelling {
  try {
    if (!existsSync(source)) mkdirSync(source, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw fromSystemError(error, `make "${source}"`);
  }
  const path = realSource(source, 'SELinux relabeling of');
  return { ...realPlace(path), label: how === 'private' ? label : sharedLabel(label) };
}
