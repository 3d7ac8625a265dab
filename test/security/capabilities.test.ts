/**
 * Class J: the five capability sets, of every way to start a process. What is inheritable or ambient by mistake lets a
 * file of the image raise capabilities that its user may not have.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCapabilities, capabilitySet } from '../../src/runtime/capability.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import type { Report } from '../system/container-view.ts';
import { type Arena, attack, background } from './arena.ts';

type Sets = Pick<Report, 'inheritable' | 'permitted' | 'effective' | 'bounding' | 'ambient'>;

const none = 0n;
/** Docker's default set (moby, daemon/pkg/oci/caps), as the kernel prints it. */
const usual = 0xa80425fbn;
const all = BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]}`);
const netAdmin = capabilitySet(['CAP_NET_ADMIN']);
const netRaw = capabilitySet(['CAP_NET_RAW']);
const chown = capabilitySet(['CAP_CHOWN']);

/** Nothing is inheritable, nothing ambient, ever. */
function sets(held: bigint, bounding: bigint): Sets {
  const [empty, own] = [hex(none), hex(held)];
  return { inheritable: empty, permitted: own, effective: own, bounding: hex(bounding), ambient: empty };
}

function hex(set: bigint): string {
  return set.toString(16).padStart(16, '0');
}

function setsOf(stdout: string): Sets {
  const { inheritable, permitted, effective, bounding, ambient } = JSON.parse(stdout) as Report;
  return { inheritable, permitted, effective, bounding, ambient };
}

/** Flags of `run` -> the bounding set; root holds all of it, others nothing. */
const golden: readonly (readonly [readonly string[], bigint])[] = [
  [[], usual],
  [['--init'], usual],
  [['--cap-drop', 'ALL'], none],
  [['--cap-drop', 'ALL', '--cap-add', 'CHOWN'], chown],
  [['--cap-add', 'NET_ADMIN'], usual | netAdmin],
  [['--cap-drop', 'NET_RAW'], usual & ~netRaw],
  [['--cap-add', 'ALL'], all],
  [['--cap-add', 'ALL', '--cap-drop', 'NET_RAW'], all & ~netRaw],
  [['--privileged'], all],
  [['--privileged', '--cap-drop', 'NET_RAW'], all & ~netRaw],
];

for (const [flags, bounding] of golden) {
  systemTest(`all five sets: run ${flags.join(' ')}`, ['busybox'], async (world) => {
    const start = async (...more: string[]): Promise<Sets> =>
      setsOf(await world.ok(['run', '--rm', '--network', 'none', ...flags, ...more, world.image, 'onggi-probe']));
    assert.deepEqual(await start(), sets(bounding, bounding), 'run');
    assert.deepEqual(await start('-t'), sets(bounding, bounding), 'run -t');
    assert.deepEqual(await start('-u', '1000:1000'), sets(none, bounding), 'run -u');
    assert.deepEqual(await start('-u', 'app'), sets(none, bounding), 'run -u, by name');
    for (const user of flags.length === 0 ? ['0', '1000:1000'] : ['0']) await execs(world, flags, bounding, user);
  });
}

/** What is executed in a container has its bounding set; `--privileged` lifts that. */
async function execs(world: World, flags: readonly string[], bounding: bigint, user: string): Promise<void> {
  const started = ['run', '-d', '--network', 'none', ...flags, '-u', user, world.image, 'onggi-probe', 'sleep'];
  const id = await world.ok(started);
  const execute = async (...more: string[]): Promise<Sets> =>
    setsOf(await world.ok(['exec', ...more, id, 'onggi-probe']));
  const own = user === '0' ? bounding : none;
  assert.deepEqual(await execute(), sets(own, bounding), `exec in a container of ${user}`);
  assert.deepEqual(await execute('-u', '0'), sets(bounding, bounding), 'exec -u 0');
  assert.deepEqual(await execute('-u', '1000'), sets(none, bounding), 'exec -u 1000');
  assert.deepEqual(await execute('--privileged', '-u', '0'), sets(all, all), 'exec --privileged');
  assert.deepEqual(await execute('--privileged', '-u', '1000'), sets(none, all), 'exec --privileged -u 1000');
  await world.ok(['rm', '-f', id]);
}

systemTest('all five sets: a second life has those of the first', ['busybox'], async (world) => {
  const id = await world.ok(['create', '--network', 'none', '--cap-add', 'NET_ADMIN', world.image, 'onggi-probe']);
  for (const _ of [1, 2]) {
    assert.deepEqual(setsOf(await world.ok(['start', '-a', id])), sets(usual | netAdmin, usual | netAdmin));
  }
});

/** Attribute security.capability of a file, revision 2 (<linux/capability.h>): what it gives, what it lets through. */
function fileCapabilities(path: string, permitted: bigint, inheritable: bigint): void {
  const words = [0x0200_0001n, permitted, inheritable, permitted >> 32n, inheritable >> 32n];
  const value = words.map((word) => `${Number(word & 0xffff_ffffn)}`).join(',');
  const script = `import os,struct; os.setxattr(${JSON.stringify(path)}, "security.capability", struct.pack("<5I", ${value}))`;
  const { status, stderr } = spawnSync('python3', ['-c', script], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

const every = capabilitySet(allCapabilities);

/*
 * `runc exec --cap` made what it gave inheritable too, so that a program whose file lets that through keeps it when
 * it becomes somebody else.
 */
attack('CVE-2022-29162: an exec with more capabilities hands them on', ['python3'], async (arena) => {
  await arena.hostile((root) => {
    cpSync(join(root, 'bin/onggi-probe'), join(root, 'bin/raise'));
    if (arena.kind !== 'rootless') fileCapabilities(join(root, 'bin/raise'), none, every);
  });
  const inmate = await background(arena, { args: ['onggi-probe', 'sleep'] });
  for (const user of ['0:0', '1000:1000']) {
    for (const program of ['onggi-probe', 'raise']) {
      const { status, stdout, stderr } = await inmate.exec({ args: [program], user, raised: ['CAP_NET_ADMIN'] });
      assert.equal(status, 0, stderr);
      const { inheritable, ambient, permitted, bounding } = setsOf(stdout);
      assert.deepEqual([inheritable, ambient], [hex(none), hex(none)], `${program} as ${user}`);
      // A user who is not root loses at execve(2) what is not ambient.
      if (user !== '0:0') assert.equal(permitted, hex(none), program);
      assert.equal(BigInt(`0x${bounding}`) & netAdmin, netAdmin, 'it was given: otherwise this proves nothing');
    }
  }
  await inmate.remove();
});

/** The image has programs with file capabilities; its user gets what the bounding set has, and by no detour more. */
const raises = async (arena: Arena): Promise<void> => {
  await arena.hostile((root) => {
    for (const name of ['raise', 'grant', 'grant-all']) cpSync(join(root, 'bin/onggi-probe'), join(root, 'bin', name));
    fileCapabilities(join(root, 'bin/raise'), none, every);
    fileCapabilities(join(root, 'bin/grant'), netRaw, none);
    fileCapabilities(join(root, 'bin/grant-all'), every, every);
  });
  const user = '1000:1000';
  const inmate = await background(arena, { args: ['onggi-probe', 'sleep'], user });
  for (const start of [
    (args: readonly string[]) => arena.run({ args, user }),
    (args: readonly string[]) => inmate.exec({ args, user }),
  ]) {
    assert.deepEqual(setsOf((await start(['raise'])).stdout), sets(none, usual), 'inheritable by the file');
    assert.deepEqual(setsOf((await start(['grant'])).stdout), sets(netRaw, usual), 'permitted by the file');
    // capabilities(7): a file that insists on more than the bounding set is not executed.
    assert.notEqual((await start(['grant-all'])).status, 0);
  }
  await inmate.remove();
};

// File capabilities count for the user namespace that they were set from: there is nothing to raise for an ordinary user.
attack('CVE-2022-24769: a file raises what is inheritable', ['python3'], raises, 'engine', 'bundle');
