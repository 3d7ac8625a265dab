/** What the fields of "process" in config.json come to, seen from inside. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { Linux, Process } from '../../src/oci/runtime-spec.ts';
import { requires } from '../harness/requires.ts';
import { follow, inPlace } from './shim-container.ts';
import { runSpec } from './spec-container.ts';

const needs = requires('root', 'busybox');

async function output(script: string, process: Partial<Process>, linux: Linux = {}): Promise<string[]> {
  const told = await runSpec({ args: ['sh', '-c', script], process, linux });
  assert.equal(told.exit.exitCode, 0, inspect([told.stderr, told.events]));
  return told.stdout.trimEnd().split('\n');
}

async function failure(process: Partial<Process>): Promise<string> {
  const told = await runSpec({ args: ['true'], process });
  assert.equal(told.exit.exitCode, 125, inspect(told.events));
  return inspect(told.events, { depth: 5 });
}

/** Nice value and policy out of /proc/self/stat (proc(5), fields 19 and 41), read by the shell itself. */
const statFields = 'read -r line </proc/self/stat; set -- ${line##*) }; echo "${17} ${39}"';

test('scheduler, I/O priority and execution domain', needs, async () => {
  const asked = {
    scheduler: { policy: 'SCHED_BATCH', nice: 5, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
    ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 },
  } as const;
  const personality = { domain: 'LINUX32', flags: ['ADDR_NO_RANDOMIZE'] };
  const lines = await output(`${statFields}; ionice; uname -m; cat /proc/self/personality`, asked, { personality });
  // 3 is SCHED_BATCH; the low byte of the last is the domain, 8 for PER_LINUX32.
  assert.deepEqual(lines, ['5 3', 'best-effort: prio 6', 'i686', '00040008']);
});

test('a deadline', needs, async () => {
  const scheduler = { policy: 'SCHED_DEADLINE', runtime: 5_000_000, deadline: 10_000_000, period: 10_000_000 };
  assert.deepEqual(await output(statFields, { scheduler }), ['0 6']);
});

test('a deadline that can not be kept is reported', needs, async () => {
  const scheduler = { policy: 'SCHED_DEADLINE', runtime: 9_000_000, deadline: 5_000_000, period: 10_000_000 };
  assert.match(await failure({ scheduler }), /set the scheduling policy "SCHED_DEADLINE"/);
});

test('the supplementary groups are exactly those given, the mask too', needs, async () => {
  const user = { uid: 1000, gid: 1000, additionalGids: [5, 6], umask: 0o27 };
  const script = 'grep -E "^(Groups|Uid|Gid):" /proc/self/status | tr "\\t" " "; umask';
  assert.deepEqual(await output(script, { user, capabilities: {} }), [
    'Uid: 1000 1000 1000 1000',
    'Gid: 1000 1000 1000 1000',
    'Groups: 5 6 ',
    '0027',
  ]);
  const none = await output('grep ^Groups: /proc/self/status | tr "\\t" " "', { user: { uid: 7, gid: 7 } });
  assert.deepEqual(none, ['Groups:']);
});

test('ambient capabilities reach an ordinary user, unknown ones are left out', needs, async () => {
  const set = ['CAP_NET_BIND_SERVICE', 'CAP_OF_TOMORROW'];
  const capabilities = { bounding: set, effective: set, permitted: set, inheritable: set, ambient: set };
  assert.deepEqual(
    await output('grep ^Cap /proc/self/status | tr -d "\\t"', { user: { uid: 9, gid: 9 }, capabilities }),
    ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((name) => `Cap${name}:0000000000000400`),
  );
});

test('of a variable that is given twice the last one holds', needs, async () => {
  assert.deepEqual(await output('echo "$A"; env | grep -c ^A=', { env: ['PATH=/bin', 'A=1', 'A=2'] }), ['2', '1']);
});

test('labels of security modules that are not here are refused by name', needs, async () => {
  assert.match(
    await failure({ apparmorProfile: 'docker-default' }),
    /apply the AppArmor profile "docker-default": .*not/,
  );
  assert.match(await failure({ selinuxLabel: 'system_u:r:t:s0' }), /label the keyring "system_u:r:t:s0"/);
});

test('the CPUs before the cgroups are joined and after', requires('root', 'busybox', 'two-cpus'), async () => {
  await inPlace(async (place) => {
    const argv = ['grep', 'Cpus_allowed_list', '/proc/self/status'];
    const on = (cpu: number) => ({ op: 'cpu-affinity', mask: new Uint8Array([1 << cpu]), list: String(cpu) }) as const;
    place.launch(place.plan({ argv, prepare: [on(1)] }));
    assert.match((await follow(await place.connect())).stdout, /\t1$/m);
    place.launch(place.plan({ argv, prepare: [on(1)], steps: [on(0)] }));
    assert.match((await follow(await place.connect())).stdout, /\t0$/m);
  });
});
