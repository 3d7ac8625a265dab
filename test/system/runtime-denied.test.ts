/** Containers whose filter lets nothing through, not even what says so. */
import assert from 'node:assert/strict';
import type { Spec } from '../../src/oci/runtime-spec.ts';
import { runtimeTest } from '../harness/runtime-test.ts';

const id = 'onggi-denied';

runtimeTest('a seccomp filter that denies all, even the exit, is the reason, and nothing hangs', [], async (world) => {
  for (const defaultAction of ['SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP']) {
    const edit = (spec: Spec): Spec => ({ ...spec, linux: { ...spec.linux, seccomp: { defaultAction } } });
    const bundle = world.bundle({ args: ['true'], edit });
    for (const command of [['run'], ['run', '--detach']]) {
      const { status, stderr } = await world.runtime([...command, '--bundle', bundle, id]);
      assert.equal(status, 1, stderr);
      if (command.length === 1) assert.match(stderr, /the seccomp filter keeps the init from executing the command/);
    }
  }
});
