/**
 * What of a container is the host's, and stands in its images by name only: binds, devices and masks of files, the
 * network namespace. Pure.
 */
import { unsupported } from '../errors.ts';
import { mountInfoField } from '../oci/mount-info.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { compileDevices, hasOwnDevices } from '../runtime/plan/devices.ts';

export type External = {
  /** Mounts: where in the container, what on the host. */
  readonly mounts: readonly { readonly target: string; readonly source: string }[];
  /** Inode of a network namespace that was joined by path. */
  readonly network: bigint | null;
};

/**
 * Mounts of a container that are the host's, in the order of their mounting: devices where nobody may make them, its
 * binds, and /dev/null over each masked file.
 */
export function externalMounts(spec: Spec, maskedFiles: readonly string[]): External['mounts'] {
  const binds = (spec.mounts ?? []).filter(({ type, options = [] }) => {
    return type === 'bind' || options.includes('bind') || options.includes('rbind');
  });
  return [
    ...deviceMounts(spec),
    ...binds.map(({ destination, source = '' }) => ({ target: withoutSlash(destination), source })),
    ...maskedFiles.map((target) => ({ target, source: '/dev/null' })),
  ];
}

export function hasUserNamespace({ linux }: Spec): boolean {
  return (linux?.namespaces ?? []).some(({ type }) => type === 'user');
}

function deviceMounts(spec: Spec): External['mounts'] {
  const { mounts = [], linux = {} } = spec;
  if (!hasUserNamespace(spec) || hasOwnDevices(mounts)) return [];
  return compileDevices(linux.devices ?? [], true).flatMap((step) =>
    step.op === 'bind' ? [{ target: step.target, source: step.source }] : [],
  );
}

export function withoutSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

/** Which of the masked paths are files: /dev/null lies on them. @param mountInfo as in /proc/PID/mountinfo (proc(5)) */
export function maskedFiles(mountInfo: string, maskedPaths: readonly string[]): string[] {
  const covered = new Set(
    mountInfo.split('\n').flatMap((line) => {
      const [, , , root, target] = line.split(' ');
      return root !== undefined && target !== undefined && root.endsWith('/null') ? [mountInfoField(target)] : [];
    }),
  );
  return maskedPaths.filter((path) => covered.has(path));
}

/** One that it does not share. */
export function hasOwnNetwork({ linux }: Spec): boolean {
  return (linux?.namespaces ?? []).some(({ type, path }) => type === 'network' && !path);
}

/** @throws OnggiError `unsupported` naming what criu could not bring back, or not from here */
export function checkCheckpointable(spec: Spec): void {
  const joined = (spec.linux?.namespaces ?? []).find(({ type, path }) => path && type !== 'network');
  if (joined !== undefined) {
    throw unsupported(`checkpoint and restore of a container that joins the ${joined.type} namespace of a path`);
  }
  // Its sysfs is the machine's, with mounts below that spread from there: only who owns a network may mount one (sysfs(5)).
  if (hasUserNamespace(spec) && !hasOwnNetwork(spec)) {
    throw unsupported('checkpoint and restore of a container with a user namespace and the network of others');
  }
}

/** @throws OnggiError `unsupported`: hooks that criu would have to wait for in the middle of a restore */
export function checkRestorable(spec: Spec): void {
  checkCheckpointable(spec);
  for (const kind of ['prestart', 'createRuntime', 'createContainer', 'startContainer'] as const) {
    if ((spec.hooks?.[kind] ?? []).length > 0) throw unsupported(`restore of a container with hooks of kind "${kind}"`);
  }
}
