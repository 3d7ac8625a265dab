/** The last steps of a first process that becomes criu, which restores a container. Pure. */
import type { Spec } from '../oci/runtime-spec.ts';
import type { InitStep } from '../runtime/plan/steps.ts';
import type { External } from './command.ts';

/**
 * @param path where criu is looked for, as in PATH
 * @param program its name, or a path
 */
export function criuSteps(
  spec: Spec,
  external: External,
  args: readonly string[],
  path: string,
  program = 'criu',
): InitStep[] {
  return [
    ...external.mounts.map(({ source }) => bindOnItself(source)),
    // Inherited by all that criu restores; it does so by itself only since 3.19.
    ...(spec.process?.noNewPrivileges === true ? [{ op: 'no-new-privileges' } as const] : []),
    { op: 'find-executable', command: program },
    { op: 'exec', argv: [program, ...args], env: [`PATH=${path}`], reaper: false },
  ];
}

/** criu takes over who a bind's mounts spread to, which the kernel tells of the root of a mount only (MOVE_MOUNT_SET_GROUP). */
function bindOnItself(path: string): InitStep {
  const noFlags = { bits: 0, words: [] };
  return {
    op: 'bind',
    source: path,
    target: path,
    recursive: true,
    attributes: { set: 0, clear: 0, words: [] },
    propagation: noFlags,
    createSource: false,
  };
}
