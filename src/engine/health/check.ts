/** The health check of a container as its shim is told of it. On the path of every start. */
import { OnggiError } from '../../errors.ts';
import { freezerPath } from '../../runtime/cgroup/freeze.ts';
import { findCgroup } from '../../runtime/cgroup/layout.ts';
import type { HealthCheck } from '../../runtime/plan/steps.ts';
import type { Container } from '../container/container.ts';
import type { Context } from '../context.ts';
import { healthSettings } from './settings.ts';

/** The part of the container's plan; undefined when nothing is to be checked. @throws OnggiError `unsupported` */
export function healthCheck(context: Context, container: Container): HealthCheck | undefined {
  const settings = healthSettings(container.health);
  if (settings === undefined) return undefined;
  const { files, options, row, start } = container;
  const onFailure = options.health?.onFailure ?? 'none';
  const byCommand = onFailure === 'restart' || onFailure === 'stop';
  const command = byCommand ? context.reconcileCommand(row.id) : [];
  if (byCommand && command.length === 0) {
    throw new OnggiError('unsupported', `health check of container "${row.name}": nobody could ${onFailure} it`, {
      hint: 'Name the program that does by the option "command" of the engine.',
    });
  }
  const { interval, timeout, startPeriod, startInterval, retries } = settings;
  return {
    directory: files.health,
    freezer: start === null ? null : freezerPath(findCgroup(start.cgroupsPath)),
    ...{ interval, timeout, startPeriod, startInterval, retries },
    action: byCommand ? 'run' : onFailure === 'kill' ? 'kill' : 'none',
    command: byCommand ? [...command, onFailure] : [],
  };
}
