/** The default profile as onggi compiles it beside what libseccomp makes of it: what a call costs, and loading it. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultCapabilities } from '../src/runtime/capability.ts';
import { architectureOf } from '../src/runtime/seccomp/architecture.ts';
import { compileFilter } from '../src/runtime/seccomp/compile.ts';
import { defaultSeccomp } from '../src/runtime/seccomp/profile.ts';
import { repository } from '../test/harness/busybox-image.ts';
import { buildLibseccomp } from '../test/harness/libseccomp.ts';
import { installed } from './engine.ts';
import { median, ours, type Row, type Target } from './table.ts';

export const libseccomp = 'libseccomp';

const turns = 9;

type Subject = { readonly title: string; readonly what: string; readonly count: number; readonly target: Target };

const subjects: readonly Subject[] = [
  {
    // The kernel remembers that it is always allowed and runs no filter (Linux 5.11): the two can but be alike.
    title: 'getpid under the default seccomp profile',
    what: 'getpid',
    count: 1_000_000,
    target: { column: libseccomp, factor: 1.1 },
  },
  {
    title: 'personality(-1), whose argument the filter looks at',
    what: 'personality',
    count: 1_000_000,
    target: { column: libseccomp, factor: 1 },
  },
  {
    title: 'loading the default seccomp profile (and a vfork)',
    what: 'load',
    count: 200,
    target: { column: libseccomp, factor: 1 / 2 },
  },
];

/** None where there is no libseccomp to compare with. */
export function seccompRows(scratch: string): Row[] {
  if (!existsSync('/usr/include/seccomp.h') || !installed('gcc')) return [];
  const machine = architectureOf(process.arch);
  const profile = defaultSeccomp(defaultCapabilities, machine, [6, 1]);
  const files = new Map([
    [ours, compileFilter(profile, machine)],
    [libseccomp, buildLibseccomp(scratch)(profile).filter],
  ]);
  for (const [name, filter] of files) writeFileSync(join(scratch, `${name}.filter`), filter);
  const program = join(scratch, 'seccomp-loop');
  execFileSync('gcc', ['-O2', '-Wall', '-o', program, join(repository, 'bench/seccomp-loop.c')]);
  return subjects.map(({ title, what, count, target }) => {
    console.error(`measuring: ${title}`);
    const times = new Map([...files.keys()].map((name) => [name, [] as number[]]));
    // In turns, so that a busy moment of the machine meets both.
    for (let turn = 0; turn < turns; turn++) {
      for (const [name, list] of times) {
        list.push(Number(execFileSync(program, [join(scratch, `${name}.filter`), what, String(count)])));
      }
    }
    const values = new Map([...times].map(([name, list]) => [name, median(list)]));
    return { title, unit: 'ns', values, targets: [target] };
  });
}
