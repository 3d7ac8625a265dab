/** CPUs and memory nodes of config.json against those that the machine has. Pure. */
import { OnggiError } from '../../errors.ts';
import type { Cpu } from '../../oci/runtime-spec.ts';

/** What the cgroups of this machine have to give, as lists ("0-3,8"). */
export type CpusetOffer = { readonly cpus: string; readonly mems: string };

/** The kernel's own answer would be a bare ERANGE. @throws OnggiError `invalid` */
export function checkCpuset(cpu: Cpu, offer: CpusetOffer | null | undefined): void {
  checkList('cpus', 'CPUs', cpu.cpus, offer?.cpus);
  checkList('mems', 'memory nodes', cpu.mems, offer?.mems);
}

function checkList(field: string, kind: string, asked: string | undefined, offered: string | undefined): void {
  if (asked === undefined || asked === '') return;
  const wanted = parseList(asked);
  if (wanted === undefined) {
    throw new OnggiError('invalid', `resources.cpu.${field}: "${asked}" is not a list of ${kind}`, {
      hint: 'Write numbers and ranges with commas: "0-2,7".',
    });
  }
  const there = offered === undefined || offered === '' ? undefined : parseList(offered);
  if (there === undefined) return;
  const missing = wanted.filter((number) => !there.includes(number));
  if (missing.length === 0) return;
  throw new OnggiError('invalid', `resources.cpu.${field}: "${asked}" asks for ${kind} that are not there`, {
    hint: `This machine offers "${offered}".`,
  });
}

/** cpuset(7), "List format"; undefined for anything else. In ascending order, each once. */
export function parseList(text: string): number[] | undefined {
  const numbers = new Set<number>();
  for (const part of text.trim().split(',')) {
    const match = /^\s*(\d{1,5})(?:-(\d{1,5})(?::(\d{1,5})\/(\d{1,5}))?)?\s*$/.exec(part);
    if (match === null) return undefined;
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    const [used, group] = [Number(match[3] ?? 1), Number(match[4] ?? 1)];
    if (last < first || used < 1 || group < used) return undefined;
    for (let number = first; number <= last; number++) if ((number - first) % group < used) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}
