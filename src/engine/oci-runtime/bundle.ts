/** The bundle that another OCI runtime gets, in a directory that lives as long as one start of the container. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromSystemError, OnggiError } from '../../errors.ts';
import type { Spec } from '../../oci/runtime-spec.ts';
import { defaultPath } from '../../runtime/defaults.ts';
import { foreignPlan } from '../../runtime/plan/foreign.ts';
import type { Plan } from '../../runtime/plan/steps.ts';
import type { ContainerOptions } from '../types.ts';

/** Beside the socket of the shim: empty after a reboot, and removed with it. */
function bundleDirectory(socket: string): string {
  return `${socket}.rt`;
}

/** @throws OnggiError `invalid` for a store whose path is too long for the socket of a terminal */
export function withRuntime(
  plan: Plan,
  spec: Spec,
  { id, socket, options }: { readonly id: string; readonly socket: string; readonly options: ContainerOptions },
): Plan {
  const { runtime: program, mounts = [] } = options;
  if (program === undefined || socket === '') return plan;
  const directory = bundleDirectory(socket);
  if (Buffer.byteLength(directory) > 105) {
    throw new OnggiError('invalid', `--runtime: socket path "${directory}/t" is over 107 bytes`, {
      hint: 'Use a shorter --root.',
    });
  }
  makeDirectory(directory, 0o700);
  for (const mount of mounts)
    if (mount.type === 'bind' && !existsSync(mount.source)) makeDirectory(mount.source, 0o755);
  const env = [`PATH=${process.env['PATH'] ?? defaultPath}`];
  return foreignPlan(plan, spec, id, { program, directory, env, seconds: patience() });
}

/** Seconds: a runtime that takes longer for one of its commands hangs. ONGGI_RUNTIME_TIMEOUT says how long, up to a day. */
function patience(): number {
  const said = process.env['ONGGI_RUNTIME_TIMEOUT'] ?? '';
  return /^[1-9]\d{0,4}$/.test(said) ? Math.min(Number(said), 86_400) : 60;
}

function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { recursive: true, mode });
  } catch (error) {
    throw fromSystemError(error, `make directory "${path}"`);
  }
}

/** What a shim that was killed has not had taken away; the files go with its socket. */
export function deleteLeft(id: string, socket: string, program: string): void {
  const state = join(bundleDirectory(socket), 'state');
  if (!existsSync(join(state, id))) return;
  spawnSync(program, ['--root', state, 'delete', '--force', id], {
    stdio: 'ignore',
    timeout: patience() * 1000,
    killSignal: 'SIGKILL',
  });
}
