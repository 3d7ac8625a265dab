/**
 * Whether a restored process is held as config.json says. The images of a checkpoint decide what criu gives it, and they
 * may have been changed, or written by a criu that forgets something (no_new_privs before 3.19). Pure.
 */
import type { Process, Spec } from '../oci/runtime-spec.ts';
import { capabilitySet } from '../runtime/capability.ts';

/**
 * @param status content of /proc/PID/status (proc(5))
 * @returns in words, what it may do beyond its config; empty when there is nothing
 */
export function excessPrivileges(status: string, { process, linux }: Spec): string[] {
  const value = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '';
  const found: string[] = [];
  if (process?.noNewPrivileges === true && value('NoNewPrivs') !== '1') found.push('it can gain privileges by exec');
  if (linux?.seccomp !== undefined && value('Seccomp') !== '2') found.push('it has no seccomp filter');
  const allowed = boundingSet(process);
  for (const set of ['CapBnd', 'CapPrm', 'CapEff', 'CapInh', 'CapAmb']) {
    const held = BigInt(`0x${value(set) || 'ffffffffffffffff'}`);
    if ((held & ~allowed) !== 0n) found.push(`${set} is ${value(set)}, beyond its bounding set`);
  }
  return found;
}

/** All sets lie in it, as far as config.json is concerned (capabilities(7)). */
function boundingSet(process: Process | undefined): bigint {
  const sets = process?.capabilities;
  if (sets === undefined) return 0n;
  return capabilitySet([...(sets.bounding ?? []), ...(sets.inheritable ?? [])]);
}
