/** What can be told of a new container's options before anything is made: what the machine does not have or can't do. */
import { availableParallelism } from 'node:os';
import { OnggiError, unsupported } from '../../errors.ts';
import { statIfThere } from '../../kernel/stat-file.ts';
import { unprivileged } from '../../kernel/user-namespace.ts';
import { containerCapabilities } from '../../runtime/capability.ts';
import { cgroupAt } from '../../runtime/cgroup/cgroup.ts';
import { compileSettings } from '../../runtime/cgroup/compile.ts';
import { type CgroupLayout, hasLegacyMemory } from '../../runtime/cgroup/hierarchy.ts';
import { readCgroupLayout } from '../../runtime/cgroup/layout.ts';
import { type NamespaceType, namespaceTypes } from '../../runtime/plan/steps.ts';
import { compileSysctls } from '../../runtime/plan/sysctl.ts';
import { parseSignal } from '../../runtime/signal.ts';
import { mappedDevices } from '../spec/devices.ts';
import { checkMounts } from '../spec/mounts.ts';
import { workingDirectory } from '../spec/process.ts';
import { type ResourceFacts, resourceLimits } from '../spec/resources.ts';
import { checkHostName } from '../spec/spec.ts';
import { checkSystemd } from '../spec/systemd.ts';
import type { ContainerOptions, Resources } from '../types.ts';
import { devicesAt, isThereOnHost } from './host-devices.ts';

/** @throws OnggiError `invalid`, `unsupported`, `not-found` for a device */
export async function checkOptions(options: ContainerOptions): Promise<void> {
  if (options.stopSignal !== undefined) parseSignal(options.stopSignal);
  if (options.autoRemove === true && (options.restart?.name ?? 'no') !== 'no') {
    throw new OnggiError('invalid', 'conflicting options: cannot specify both --restart and --rm');
  }
  if (options.log?.driver === 'passthrough' && options.terminal === true) {
    throw new OnggiError('invalid', "the '--log-driver passthrough' option cannot be used on a TTY");
  }
  checkHostName('hostname', options.hostname ?? '');
  checkHostName('domainname', options.domainname ?? '');
  workingDirectory(options.workingDir, undefined);
  containerCapabilities({
    add: options.capAdd ?? [],
    drop: options.capDrop ?? [],
    privileged: options.privileged === true,
  });
  if (options.macAddress !== undefined) (await import('../../network/address.ts')).parseMac(options.macAddress);
  if (options.linkLocalAddresses !== undefined) {
    const { checkLinkLocal } = await import('../../network/address.ts');
    checkLinkLocal(options.linkLocalAddresses);
    if (unprivileged() !== undefined) throw unsupported("a link-local address of an ordinary user's container");
  }
  checkMounts(options);
  checkSystemd(options);
  checkInitPath(options);
  checkSysctls(options);
  if (options.devices !== undefined) mappedDevices(options.devices, { devicesAt, isThere: isThereOnHost });
  if (options.cdiDevices !== undefined) (await import('../cdi/registry.ts')).cdiEdits(options.cdiDevices);
  const { oomScoreAdj: score = 0, resources = {}, cgroupParent } = options;
  if (!Number.isInteger(score) || score < -1000 || score > 1000) {
    throw new OnggiError('invalid', `Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  }
  if (Object.keys(resources).length > 0) checkResources(resources, () => {});
  if (cgroupParent !== undefined) cgroupAt(readCgroupLayout(), `/${cgroupParent}/container`);
}

function checkInitPath({ init, initPath }: ContainerOptions): void {
  if (initPath === undefined) return;
  if (init !== true)
    throw new OnggiError('invalid', '--init-path has no effect without --init', { hint: 'Add --init.' });
  const found = statIfThere(initPath);
  if (found?.isFile() === true && (found.mode & 0o111) !== 0) return;
  const what = found === undefined ? 'not found' : 'no file that can be executed';
  throw new OnggiError('invalid', `container-init binary "${initPath}": ${what} on this machine`);
}

/** One of a namespace that it shares with the machine would change the machine. */
function checkSysctls({ sysctls = {}, network, ipcMode, utsMode }: ContainerOptions): void {
  const shared = new Set<NamespaceType>([
    ...(network === 'host' ? ['net' as const] : []),
    ...(ipcMode === 'host' ? ['ipc' as const] : []),
    ...(utsMode === 'host' ? ['uts' as const] : []),
  ]);
  compileSysctls(sysctls, new Set(namespaceTypes.filter((type) => !shared.has(type))));
}

/** @param warn told what could not be had but was not asked for */
export function checkResources(resources: Resources, warn: (message: string) => void): void {
  const layout = readCgroupLayout();
  const limits = resourceLimits(resources, resourceFacts(layout, warn));
  // Whether an ordinary user's cgroup can keep them is asked when it is made, and then they are warned of.
  if (unprivileged() === undefined) compileSettings(layout, limits, warn);
}

export function resourceFacts(layout: CgroupLayout, warn: (message: string) => void): ResourceFacts {
  const { swap } = layout;
  return { cpus: availableParallelism(), swap, legacyMemory: hasLegacyMemory(layout), devicesAt, warn };
}
