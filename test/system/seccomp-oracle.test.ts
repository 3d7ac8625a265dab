/**
 * The compiler beside libseccomp 2.5 (what runc and crun use): the same verdict for each number of each ABI. What
 * differs on purpose is left out here and tested in compile.test.ts:
 *
 * - calls that are newer than the profile (ENOSYS, as runc patches it in; libseccomp alone says the default);
 * - socketcall and ipc where a rule has conditions: libseccomp drops those and so allows every address family;
 * - arguments of more than 32 bits of x32 calls, which the kernel takes: libseccomp looks at the lower half only;
 * - several rules with different actions for one call: here the first that holds, there the one without conditions.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Seccomp } from '../../src/oci/runtime-spec.ts';
import { allCapabilities, defaultCapabilities } from '../../src/runtime/capability.ts';
import { type Abi, abiOf } from '../../src/runtime/seccomp/abi.ts';
import { architectureNames } from '../../src/runtime/seccomp/architecture.ts';
import { compileFilter } from '../../src/runtime/seccomp/compile.ts';
import { defaultSeccomp } from '../../src/runtime/seccomp/profile.ts';
import { runFilter } from '../harness/filter-machine.ts';
import { buildLibseccomp } from '../harness/libseccomp.ts';
import { makeRandom, randomCalls, randomProfile } from '../harness/random-profile.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';

/** The newest call that libseccomp 2.5.4 knows is futex_requeue. */
const newestThere = 456;
const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const names = architectureNames[machine];
const x32Name = 'SCMP_ARCH_X32';
const multiplexers = ['socketcall', 'ipc'];

/** Calls of the profile, and up to the last of them the others: what both are to agree on. */
function comparable(profile: Seccomp, abi: Abi): [name: string, number: number][] {
  const named = new Set(profile.syscalls?.flatMap((rule) => rule.names));
  const known = [...abi.numbers()].filter(([, number]) => number <= newestThere || number > 511);
  const newest = Math.max(...known.map(([name, number]) => (named.has(name) ? number : 0)));
  return known.filter(([name, number]) => number <= newest && !multiplexers.includes(name));
}

test('the default profile', requires('libseccomp'), async () => {
  await using scratch = makeScratch();
  const libseccomp = buildLibseccomp(scratch.path);
  const families = [0n, 2n, 11n, 12n, 16n, 38n, 39n, 40n, 46n, 0x1000_0011n, 17n, 0xffff_ffffn, 1n << 32n];
  const x32 = abiOf(x32Name);
  for (const capabilities of [[], defaultCapabilities, allCapabilities]) {
    const profile = defaultSeccomp(capabilities, machine, [6, 1]);
    const { filter, unknown } = libseccomp(profile);
    const filters = [compileFilter(profile, machine), filter];
    let count = 0;
    for (const abi of names.map(abiOf)) {
      for (const [name, number] of comparable(profile, abi)) {
        if (unknown.has(name)) continue;
        for (const first of families) {
          if (abi.base === x32.base && first >= 1n << 32n) continue;
          const args = [first, 0n, 0n, 0n, 0n, 0n];
          const verdicts = filters.map((program) => runFilter(program, abi.audit, number + abi.base, args));
          assert.equal(verdicts[0], verdicts[1], `${name} ${number} of ${abi.audit.toString(16)} (${first})`);
          count++;
        }
      }
    }
    assert.ok(count > 5000);
  }
});

test('profiles by chance', requires('libseccomp'), async () => {
  await using scratch = makeScratch();
  const libseccomp = buildLibseccomp(scratch.path);
  // Names that every ABI has. One that an ABI lacks (_llseek, clock_settime64) or only knows as a part of socketcall
  // (send) makes libseccomp 2.5.4 misjudge conditions on other calls: "futex" with 0 is no more at most 1.
  const calls = `read write open openat close mmap ioctl personality connect clone keyctl futex fchmodat2 ptrace
    rt_sigaction readv`.split(/\s+/);
  const seed = 4;
  const random = makeRandom(seed);
  const abis = names.filter((name) => name !== x32Name).map(abiOf);
  let count = 0;
  for (let turn = 0; turn < 60; turn++) {
    const profile = randomProfile(random, { names: calls, architectures: names, single: true });
    const { filter, unknown } = libseccomp(profile);
    const filters = [compileFilter(profile, machine), filter];
    for (const { abi, name, number, args } of randomCalls(random, profile, abis, 200)) {
      if (unknown.has(name ?? '') || !comparable(profile, abi).some(([known]) => known === name)) continue;
      const verdicts = filters.map((program) => runFilter(program, abi.audit, number + abi.base, args));
      const words = args.map((value) => value.toString(16)).join();
      assert.equal(verdicts[0], verdicts[1], `turn ${turn}: ${name} ${number} of ${abi.audit.toString(16)} (${words})`);
      count++;
    }
  }
  assert.ok(count > 4000, String(count));
});
