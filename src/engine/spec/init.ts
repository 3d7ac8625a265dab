/** The small init of `--init`: which program it is, and where the container has it. Pure. */
import type { Capabilities, Mount, Spec } from '../../oci/runtime-spec.ts';
import type { ContainerOptions } from '../types.ts';
import { mountTarget } from './mounts.ts';
import type { SpecFacts } from './spec.ts';

/** Of `--init-path`; called as Podman calls one: `INIT -- COMMAND`. */
export const givenInitPlace = '/run/onggi-init';

/** Of our own, which is a program of the shim; on the tmpfs of /dev, so that nothing of it is in the container's layer. */
const ownInitPlace = '/dev/onggi-init';

/**
 * Our own init does not need a file, because it is forked from the shim. But criu(8) brings back only processes whose
 * program is in the container, so it has it there where checkpoints can be made: where the user mounts nothing above it, and
 * it is the first process. It is a copy for this container alone where somebody inside could mount it again so that it can be
 * written to.
 */
export function initMounts(
  options: ContainerOptions,
  { bounding = [] }: Capabilities,
  { initProgram, initCopy, ordinaryUser }: Pick<SpecFacts, 'initProgram' | 'initCopy' | 'ordinaryUser'>,
  isMachine: boolean,
): Mount[] {
  const { init, initPath, pidMode, mounts = [] } = options;
  if (initPath !== undefined) return [initMount(initPath, givenInitPlace)];
  const source = bounding.includes('CAP_SYS_ADMIN') ? initCopy : initProgram;
  if (init !== true || source === undefined || isMachine || ordinaryUser || pidMode !== undefined) return [];
  const hidden = mounts.some(({ target }) => ['/', '/dev', ownInitPlace].includes(mountTarget(target)));
  return hidden ? [] : [initMount(source, ownInitPlace)];
}

function initMount(source: string, destination: string): Mount {
  return { destination, type: 'bind', source, options: ['bind', 'ro', 'rprivate'] };
}

/** Whether it is a copy that has to be made. */
export function usesInitCopy({ mounts = [] }: Spec, copy: string): boolean {
  return mounts.some(({ destination, source }) => destination === ownInitPlace && source === copy);
}

/** Where our own init has its file; undefined where it has none. */
export function initPlaceOf({ mounts = [] }: Spec): string | undefined {
  return mounts.some(({ destination }) => destination === ownInitPlace) ? ownInitPlace : undefined;
}
