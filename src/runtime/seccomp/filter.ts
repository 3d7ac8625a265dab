/** The filter of a profile: known beforehand for the default one, else compiled, by a compiler that is loaded for that. */
import type { Seccomp } from '../../oci/runtime-spec.ts';
import type { SeccompArchitecture } from './architecture.ts';
import { precompiledFilter } from './precompiled.ts';

/** Instructions of classic BPF. @throws OnggiError `invalid` or `unsupported` */
export async function filterOf(seccomp: Seccomp, machine: SeccompArchitecture): Promise<Uint8Array<ArrayBuffer>> {
  const known = precompiledFilter(seccomp, machine);
  if (known !== undefined) return known;
  const { compileFilter } = await import('./compile.ts');
  return compileFilter(seccomp, machine);
}
