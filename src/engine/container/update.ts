/** `update`: other limits for a container, from now on and at its later starts. */
import { OnggiError } from '../../errors.ts';
import type { Resources as OciResources } from '../../oci/runtime-spec.ts';
import { directoriesOf } from '../../runtime/cgroup/cgroup.ts';
import { findCgroup, readCgroupLayout } from '../../runtime/cgroup/layout.ts';
import { updateCgroup } from '../../runtime/cgroup/update.ts';
import { containerStates, hasProcess, updateContainer } from '../../store/container-row.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { containerNews } from '../event/news.ts';
import { resourceLimits } from '../spec/resources.ts';
import type { Resources, RestartPolicy } from '../types.ts';
import { checkResources, resourceFacts } from './check.ts';
import { type Container, encodeChanged } from './container.ts';
import { changedResources } from './resource-change.ts';
import { unlessEnded, withContainer } from './settled.ts';

/** What is not named stays as it is. */
export type UpdateOptions = { readonly resources?: Resources; readonly restart?: RestartPolicy };

/**
 * The record changes if the kernel takes the limits, else nothing does.
 * @throws OnggiError `invalid`, `unsupported`, `conflict` when the container uses more memory than it would have
 */
export async function update(context: Context, ref: string, change: UpdateOptions): Promise<void> {
  await withContainer(context, ref, async (container) => {
    const { row, options, start } = container;
    checkRestart(container, change.restart);
    const resources = changedResources(options.resources ?? {}, change.resources ?? {});
    checkResources(resources, context.warn);
    if (hasProcess(row) && start !== null && change.resources !== undefined) {
      try {
        applyLimits(options.resources ?? {}, resources, start.cgroupsPath);
      } catch (error) {
        throw unlessEnded(context, container, error);
      }
    }
    const { restart } = change;
    const changed = { ...options, resources, ...(restart !== undefined && { restart }) };
    updateContainer(context.store.database, row.id, containerStates, {
      options: encodeChanged(container, changed),
      // Nobody starts it again who has been told not to.
      ...(restart?.name === 'no' && { restartAt: null }),
    });
    emit(context.store, containerNews(container, 'update'));
  });
}

function checkRestart({ row }: Container, restart: RestartPolicy | undefined): void {
  if (!row.autoRemove || restart === undefined || restart.name === 'no') return;
  throw new OnggiError('invalid', 'Restart policy cannot be updated because AutoRemove is enabled for the container');
}

function applyLimits(before: Resources, resources: Resources, cgroupsPath: string): void {
  const layout = readCgroupLayout();
  const facts = resourceFacts(layout, () => {});
  const limits = withoutLimit(resourceLimits(before, facts), resourceLimits(resources, facts));
  const cgroup = findCgroup(cgroupsPath, layout);
  if (directoriesOf(cgroup).length === 0) {
    throw new OnggiError('denied', 'change the limits: there was no permission to make a cgroup for the container', {
      hint: 'Have a cgroup delegated to you: log in by a systemd session.',
    });
  }
  updateCgroup(layout, cgroup, limits, () => {});
}

/** What was limited and is not any more has to be said to the kernel. */
function withoutLimit(before: OciResources, after: OciResources): OciResources {
  const quotaGone = before.cpu?.quota !== undefined && after.cpu?.quota === undefined;
  return quotaGone ? { ...after, cpu: { ...after.cpu, quota: -1 } } : after;
}
