/** The SELinux labels of a new container. Acts. */
import { randomInt } from 'node:crypto';
import { OnggiError } from '../../errors.ts';
import { containerById, listContainers } from '../../store/container-row.ts';
import type { Store } from '../../store/store.ts';
import { containerOf } from '../container/container.ts';
import { joinedOf } from '../spec/namespace.ts';
import type { SelinuxLabels } from '../types/selinux.ts';
import type { ContainerOptions } from '../types.ts';
import { applyOptions, newLabels } from './label.ts';
import { isSelinuxOn, readContexts } from './policy.ts';

/**
 * The options with the labels of the container, where SELinux is on and its policy knows containers.
 * @param warn told when it is on and the policy knows none
 * @throws OnggiError `unsupported` when labels are asked for and can't be had
 */
export function resolveLabels(
  store: Store,
  options: ContainerOptions,
  warn: (message: string) => void,
): ContainerOptions {
  const asked = options.security?.label ?? {};
  const contexts = isSelinuxOn() ? readContexts() : null;
  if (contexts == null) {
    const { disable, ...words } = asked;
    if (Object.keys(words).length > 0) {
      throw new OnggiError('unsupported', `--security-opt label=${Object.keys(words)[0]}: SELinux is not in use here`, {
        hint: 'Leave it out.',
      });
    }
    if (contexts === undefined && disable !== true) {
      warn('SELinux is on, but its policy names no label for containers (contexts/lxc_contexts): they get none');
    }
    return options;
  }
  const { pidMode, ipcMode, privileged = false } = options;
  const open = privileged || pidMode === 'host' || ipcMode === 'host';
  // What shares memory or processes has to be allowed to.
  const donor = [joinedOf(pidMode), joinedOf(ipcMode)].find((id) => id !== undefined);
  const own =
    (donor === undefined ? undefined : labelsOf(store, donor)) ?? newLabels(contexts, others(store), randomInt);
  return { ...options, selinux: applyOptions(own, open ? { disable: true } : asked) };
}

function labelsOf(store: Store, id: string): SelinuxLabels | undefined {
  const row = containerById(store.database, id);
  const labels = row === undefined ? undefined : containerOf(store, row).options.selinux;
  return labels === undefined || labels.process === '' ? undefined : labels;
}

function others(store: Store): SelinuxLabels[] {
  return listContainers(store.database).flatMap((row) => containerOf(store, row).options.selinux ?? []);
}
