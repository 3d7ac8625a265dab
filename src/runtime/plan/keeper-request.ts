/** Who keeps the container, as the caller of the compiler asks for it. Pure. */
import type { Process } from '../../oci/runtime-spec.ts';
import type { Keeper, LauncherOptions, ShimOptions, Spawn } from './steps.ts';

/** The keeper less what the specification decides. */
export type KeeperRequest =
  | ({ readonly kind: 'shim' } & Omit<ShimOptions, 'oom' | 'terminal'>)
  | ({ readonly kind: 'launcher' } & Omit<LauncherOptions, 'terminal'>);

export function keeper(request: KeeperRequest, process: Process, oom: ShimOptions['oom']): Keeper {
  const terminal = process.terminal === true;
  return request.kind === 'shim' ? { ...request, terminal, oom } : { ...request, terminal };
}

/** Of whatever is spawned; nothing for the usual. */
export function keyringOf(keyring: Spawn['keyring']): Pick<Spawn, 'keyring'> {
  return keyring === undefined ? {} : { keyring };
}
