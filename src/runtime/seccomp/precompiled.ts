/**
 * The filter of the default profile, compiled beforehand: compiling takes a just started process 4 ms, a third of what
 * starting a container takes. Pure.
 *
 * It is used for exactly the profile whose digest stands beside it; any other one is compiled. A test compiles the
 * profile and compares, so this can't come apart from the compiler: after a change of profile, tables or compiler run
 * that test with ONGGI_UPDATE_GOLDEN=1.
 */
import { sha256 } from '../../oci/digest.ts';
import type { Seccomp } from '../../oci/runtime-spec.ts';
import type { SeccompArchitecture } from './architecture.ts';
import { defaultFilters } from './default-filter.ts';

/** What tells one profile from another. Without a replacer, which would be called a thousand times. */
export function profileDigest(seccomp: Seccomp): string {
  return sha256(JSON.stringify(seccomp));
}

/** The instructions of this profile on this machine, if it is the default one. */
export function precompiledFilter(seccomp: Seccomp, machine: SeccompArchitecture): Uint8Array<ArrayBuffer> | undefined {
  const filter = defaultFilters[machine];
  // JSON knows no bigint; the default profile has none.
  const wide = seccomp.syscalls?.some((rule) =>
    rule.args?.some(({ value, valueTwo }) => typeof value === 'bigint' || typeof valueTwo === 'bigint'),
  );
  if (wide === true || profileDigest(seccomp) !== filter.profile) return undefined;
  return new Uint8Array(Buffer.from(filter.instructions, 'base64'));
}
