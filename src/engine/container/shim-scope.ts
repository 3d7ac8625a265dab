/**
 * Where systemd is the init, whoever ends a session or a service ends every process in its unit, and the shim was started
 * there. So systemd is asked to keep it in a scope of its own. The container's cgroup is another one in any case.
 */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type ProcessIdentity, processStat } from '../../kernel/process-identity.ts';
import type { Manager } from '../../runtime/cgroup/systemd-manager.ts';
import type { UnitProperty } from '../../runtime/cgroup/systemd-unit.ts';
import type { Context } from '../context.ts';

/** sd_booted(3). */
const booted = '/run/systemd/system';

/** Milliseconds before an attached shim is moved: short commands do not pay for it. */
const delay = 100;

/**
 * Of a container, or command in one, that is left alone: waits until it is done. A refusal is a warning.
 * @param child of the shim
 */
export async function keepShim(context: Context, child: ProcessIdentity, id: string): Promise<void> {
  if (!isNeeded()) return;
  try {
    await move(child, id);
  } catch (error) {
    if (processStat(child.pid)?.startTime !== child.startTime) return;
    const reason = error instanceof Error ? error.message : String(error);
    context.warn(`container ${id.slice(0, 12)} ends with the unit of systemd that this command is in: ${reason}`);
  }
}

/** Milliseconds that systemd may take before it is no longer waited for. */
const patience = 5000;

/**
 * The same, beside what else this process does for as long as it is attached.
 * @returns to be called while the shim is still there: does not leave systemd with a scope for a process that has gone,
 *   which would never become empty and stay for ever
 */
export function keepShimSoon(context: Context, child: ProcessIdentity, id: string): () => Promise<void> {
  if (!isNeeded()) return async () => {};
  let moving: Promise<void> | undefined;
  const start = (): void => {
    moving = keepShim(context, child, id);
  };
  const timer = setTimeout(start, delay).unref();
  return async () => {
    clearTimeout(timer);
    if (moving !== undefined) await Promise.race([moving, pause(patience, undefined, { ref: false })]);
  };
}

/** An ordinary user's systemd is not asked: what it keeps ends with the last session anyway, unless it lingers. */
function isNeeded(): boolean {
  return existsSync(booted) && process.geteuid?.() === 0;
}

async function move({ pid, startTime }: ProcessIdentity, id: string): Promise<void> {
  const child = processStat(pid);
  const shim = child?.startTime === startTime ? child.parent : 1;
  if (shim <= 1) return;
  const { connectManager } = await import('../../runtime/cgroup/systemd-manager.ts');
  using manager = await connectManager(false, process.env);
  await putInScope(manager, shim, id);
}

/**
 * A process that is ending while systemd moves it stays where it is, and nobody is told. A scope into which nobody came
 * never becomes empty, so it would stay for ever.
 * @param cgroupsOf /proc/PID/cgroup; empty when there is no such process
 */
export async function putInScope(
  manager: Pick<Manager, 'startTransient' | 'stop'>,
  shim: number,
  id: string,
  cgroupsOf: (pid: number) => string = readCgroups,
): Promise<void> {
  const unit = `onggi-shim-${id.slice(0, 12)}-${shim}.scope`;
  await manager.startTransient(unit, properties(shim, id));
  if (!cgroupsOf(shim).includes(`/${unit}`)) await manager.stop(unit);
}

function readCgroups(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch {
    return '';
  }
}

function properties(shim: number, id: string): UnitProperty[] {
  return [
    ['Description', { signature: 's', value: `onggi shim of ${id}` }],
    ['PIDs', { signature: 'au', value: [shim] }],
    // At a shutdown it is to see its container end.
    ['DefaultDependencies', { signature: 'b', value: false }],
    ['CollectMode', { signature: 's', value: 'inactive-or-failed' }],
  ];
}
