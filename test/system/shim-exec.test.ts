import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ShimClient } from '../../src/kernel/shim-client.ts';
import type { NamespaceType, Spawn } from '../../src/runtime/plan/steps.ts';
import { requires } from '../harness/requires.ts';
import {
  type ContainerWish,
  eventually,
  follow,
  identity,
  inPlace,
  type Place,
  statusField,
  type Told,
} from './shim-container.ts';

const needs = requires('root');
const joined: readonly NamespaceType[] = ['mnt', 'pid', 'net', 'uts', 'ipc'];

type Target = { readonly pid: number; readonly startTime: bigint; readonly client: ShimClient };

/** Starts a container and gives its init to `body`; ends it afterwards. */
async function beside(place: Place, wish: ContainerWish, body: (target: Target) => Promise<void>): Promise<Told> {
  place.launch(place.plan(wish));
  const client = await place.connect();
  let begun = false;
  return await follow(client, async (event) => {
    if (event.type !== 'status' || event.state !== 'running' || begun) return;
    begun = true;
    try {
      await body({ pid: event.pid, startTime: event.startTime, client });
    } finally {
      client.killAll();
    }
  });
}

function joining(target: Target, change: Partial<Extract<Spawn, { kind: 'join' }>> = {}): Spawn {
  const { pid, startTime } = target;
  return { kind: 'join', pid, startTime, namespaces: joined, cgroups: { unified: null, legacy: [] }, ...change };
}

async function exec(place: Place, wish: ContainerWish): Promise<Told> {
  const shim = {
    id: 'e',
    socket: join(place.path, 'e.sock'),
    log: null,
    exitFile: join(place.path, 'e/exit'),
    ...wish.shim,
  };
  place.launch(place.plan({ ...wish, shim }), 'e');
  return await follow(await place.connect({ stdin: true, stdout: true, stderr: true, reconciles: true }, 'e'));
}

test('a second command joins the container', needs, async () => {
  await inPlace(async (place) => {
    await beside(
      place,
      { argv: ['onggi-probe', 'sleep'], steps: [{ op: 'hostname', name: 'jar' }] },
      async (target) => {
        const told = await exec(place, { argv: ['onggi-probe'], spawn: joining(target), identity: identity('app') });
        assert.equal(told.exit.exitCode, 0);
        const seen = JSON.parse(told.stdout) as {
          hostname: string;
          uids: number[];
          namespaces: Record<string, string>;
          descriptors: Record<string, string>;
          pid: number;
          ppid: number;
          cwd: string;
          parentDeathSignal: number;
        };
        assert.equal(seen.hostname, 'jar');
        assert.deepEqual(seen.uids, [1000, 1000, 1000]);
        assert.deepEqual(Object.keys(seen.descriptors), ['0', '1', '2']);
        assert.ok(seen.pid > 1);
        assert.equal(seen.ppid, 0);
        assert.equal(seen.cwd, '/');
        for (const name of ['mnt', 'pid', 'net', 'uts', 'ipc']) {
          assert.equal(seen.namespaces[name], readlinkSync(`/proc/${target.pid}/ns/${name}`));
        }
        assert.equal(place.record('e').exitCode, 0);
      },
    );
  });
});

test('exec has statuses, signals, a terminal and failures of its own', needs, async () => {
  await inPlace(async (place) => {
    await beside(place, { argv: ['onggi-probe', 'sleep'] }, async (target) => {
      const spawn = joining(target);
      assert.equal((await exec(place, { argv: ['sh', '-c', 'exit 7'], spawn })).exit.exitCode, 7);
      assert.equal((await exec(place, { argv: ['sh', '-c', 'kill -9 $$'], spawn })).exit.exitCode, 137);
      const missing = await exec(place, { argv: ['nosuch'], spawn });
      assert.equal(missing.exit.exitCode, 127);
      assert.equal(missing.fail().errno, 2);
      const shim = { terminal: true, stdin: true };
      const terminal = await exec(place, { argv: ['sh', '-c', 'tty; stty size'], spawn, shim, steps: [] });
      assert.equal(terminal.stdout, '/dev/pts/0\r\n24 80\r\n');
      // Its own processes only: the container lives on.
      place.launch(
        place.plan({
          argv: ['onggi-probe', 'sleep'],
          spawn,
          shim: { id: 'k', socket: join(place.path, 'k.sock'), log: null, exitFile: join(place.path, 'k/exit') },
        }),
        'k',
      );
      const client = await place.connect({ stdout: true }, 'k');
      const killed = await follow(client, (event) => {
        if (event.type === 'output') client.killAll();
      });
      assert.equal(killed.exit.signal, 9);
      assert.ok(statusField(target.pid, 'State')?.startsWith('S'));
    });
  });
});

test('a pid that was used again is not joined', needs, async () => {
  await inPlace(async (place) => {
    await beside(place, { argv: ['onggi-probe', 'sleep'] }, async (target) => {
      const wrong = await exec(place, { argv: ['true'], spawn: joining(target, { startTime: target.startTime + 1n }) });
      assert.equal(wrong.fail().errno, 3);
      assert.match(wrong.fail().text, /is another one now/);
      assert.equal(wrong.exit.neverRan, true);
      const gone = await exec(place, { argv: ['true'], spawn: joining(target, { pid: 0x3fffff }) });
      assert.equal(gone.fail().errno, 3);
    });
  });
});

test('nobody in the container gets hold of a process that joins', needs, async () => {
  await inPlace(async (place) => {
    // Looks at every process that appears, for what an attacker would open.
    const spy = `
      told() { [ "$(cat $p/comm 2>/dev/null)" = onggi-init ] && echo "open $1"; }
      while :; do for p in /proc/[0-9]*; do
        case $p in /proc/1|/proc/$$) continue;; esac
        [ "$(cat $p/comm 2>/dev/null)" = onggi-init ] || continue
        echo saw
        for f in exe cwd root fd/0 fd/1 fd/3 fd/4 fd/5; do readlink $p/$f > /dev/null 2>&1 && told $f; done
        head -c 1 $p/mem > /dev/null 2>&1 && told mem
        cat $p/environ > /dev/null 2>&1 && told environ
      done; done`;
    const told = await beside(place, { argv: ['sh', '-c', spy] }, async (target) => {
      const spawn = joining(target);
      for (let i = 0; i < 3; i++) {
        const name = `j${i}`;
        const shim = {
          id: name,
          socket: join(place.path, `${name}.sock`),
          log: null,
          exitFile: join(place.path, name, 'exit'),
        };
        place.launch(place.plan({ argv: ['true'], spawn, shim }), name);
        const client = await place.connect({ reconciles: true }, name);
        // Created, but not started: the spy has all the time in the world.
        await follow(client, async (event) => {
          if (event.type === 'status' && event.state === 'created') await sleep(200);
        });
      }
    });
    const seen = new Set(told.stdout.trim().split('\n'));
    assert.deepEqual([...seen], ['saw']);
  });
});

test('an exec enters the cgroups of the container', requires('root', 'cgroup-v1'), async () => {
  const groups = ['memory', 'pids', 'freezer'].map((name) => `/sys/fs/cgroup/${name}/onggi-test-${process.pid}`);
  for (const group of groups) mkdirSync(group);
  try {
    await inPlace(async (place) => {
      await beside(place, { argv: ['onggi-probe', 'sleep'] }, async (target) => {
        const spawn = joining(target, { cgroups: { unified: null, legacy: groups } });
        const told = await exec(place, { argv: ['cat', '/proc/self/cgroup'], spawn });
        for (const name of ['memory', 'pids', 'freezer']) {
          assert.match(told.stdout, new RegExp(`:${name}:/onggi-test-${process.pid}$`, 'm'));
        }
      });
    });
  } finally {
    for (const group of groups) {
      assert.equal(await eventually(() => readFileSync(join(group, 'cgroup.procs'), 'utf8') === ''), true);
      rmdirSync(group);
    }
  }
});

test('namespaces are joined by path, clocks are moved', requires('root', 'time-namespace'), async () => {
  await inPlace(async (place) => {
    await beside(place, { argv: ['onggi-probe', 'sleep'] }, async (target) => {
      const shim = { id: 's', socket: join(place.path, 's.sock'), log: null, exitFile: join(place.path, 's/exit') };
      const argv = ['sh', '-c', 'readlink /proc/self/ns/net; cat /proc/self/timens_offsets; cat /proc/uptime'];
      const spawn: Spawn = {
        kind: 'clone',
        namespaces: ['mnt', 'pid', 'uts', 'time'],
        join: [{ type: 'net', path: `/proc/${target.pid}/ns/net` }],
        cgroups: { unified: null, legacy: [] },
        timeOffsets: [{ clock: 'boottime', secs: 1_000_000_000n, nanosecs: 0 }],
      };
      const plan = place.plan({ argv, shim });
      place.launch({ ...plan, spawn }, 's');
      const told = await follow(await place.connect(undefined, 's'));
      const [net, ...rest] = told.stdout.trim().split('\n');
      assert.equal(net, readlinkSync(`/proc/${target.pid}/ns/net`));
      assert.match(rest.join('\n'), /boottime\s+1000000000\s+0/);
      assert.ok(Number(rest.at(-1)?.split('.')[0]) > 1_000_000_000);
    });
  });
});

test('what stays behind of an exec holds nothing up', needs, async () => {
  await inPlace(async (place) => {
    await beside(place, { argv: ['onggi-probe', 'sleep'] }, async (target) => {
      const spawn = joining(target);
      const quiet = await exec(place, { argv: ['sh', '-c', 'sleep 100 & echo said'], spawn });
      assert.equal(quiet.stdout, 'said\n');
      // One that writes for ever: what it had written by then is all there is.
      const loud = await exec(place, { argv: ['sh', '-c', 'yes & sleep 0.1; exit 3'], spawn });
      assert.equal(loud.exit.exitCode, 3);
      assert.match(loud.stdout, /^y\n/);
    });
  });
});
