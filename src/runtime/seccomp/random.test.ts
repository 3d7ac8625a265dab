import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeProfile, runFilter } from '../../../test/harness/filter-machine.ts';
import { makeRandom, randomCalls, randomProfile } from '../../../test/harness/random-profile.ts';
import { abiOf } from './abi.ts';
import { architectureNames } from './architecture.ts';
import { compileFilter } from './compile.ts';

const names =
  `read write open openat close mmap ioctl personality socket connect clone keyctl futex semop shmat send ipc
  socketcall fchmodat2 mseal ptrace clock_settime64 _llseek set_tls no_such_call`.split(/\s+/);

for (const machine of ['x86_64', 'aarch64'] as const) {
  test(`${machine}: 400 profiles by chance do what they say`, () => {
    const seed = 20261121;
    const random = makeRandom(seed);
    for (let turn = 0; turn < 400; turn++) {
      const architectures = architectureNames[machine];
      const profile = randomProfile(random, { names, architectures, single: false });
      const program = compileFilter(profile, machine);
      for (const { abi, name, number, args } of randomCalls(random, profile, architectures.map(abiOf), 60)) {
        assert.equal(
          runFilter(program, abi.audit, (number | abi.base) >>> 0, args),
          judgeProfile(profile, abi, name, number, args),
          `seed ${seed}, turn ${turn}: ${name} ${number} of ${abi.audit.toString(16)} (${args.map((value) => value.toString(16)).join()})`,
        );
      }
    }
  });
}
