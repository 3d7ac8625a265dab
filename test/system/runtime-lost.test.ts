/** Containers whose record is damaged: "delete --force" ends them, and ends nothing else. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Spec } from '../../src/oci/runtime-spec.ts';
import { eventually, run } from '../harness/program.ts';
import { type RuntimeWorld, runtimeBinary, runtimeTest } from '../harness/runtime-test.ts';

const id = 'onggi-lost';

type Damage = (directory: string) => void;
const damages: Readonly<Record<string, Damage>> = {
  'cut off': (directory) => {
    const state = join(directory, 'state.json');
    truncateSync(state, Math.floor(readFileSync(state).length / 2));
  },
  empty: (directory) => truncateSync(join(directory, 'state.json')),
  'of another shape': (directory) => writeFileSync(join(directory, 'state.json'), '{"format":1,"init":[]}'),
  missing: (directory) => rmSync(join(directory, 'state.json')),
  'no file': (directory) => {
    rmSync(join(directory, 'state.json'));
    mkdirSync(join(directory, 'state.json'));
  },
  'missing with all beside it': (directory) => {
    for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
  },
  'damaged with all beside it': (directory) => {
    for (const name of readdirSync(directory)) {
      if (name === 'start' || name === 'start.reply') continue;
      rmSync(join(directory, name));
      writeFileSync(join(directory, name), '{');
    }
  },
};

/** Whether the container of that host process has gone; a zombie has. */
const gone = (pid: number): boolean =>
  !existsSync(`/proc/${pid}/stat`) || / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

const sleeping = { args: ['sh', '-c', 'sleep 1000 & exec sleep 1000'] };
const makers: Readonly<Record<string, (world: RuntimeWorld) => Promise<unknown>>> = {
  running: (world) => world.detached(id, sleeping),
  created: (world) => world.create(id, sleeping),
  stopped: async (world) => {
    await world.detached(id, { args: ['true'] });
    await world.reaches(id, 'stopped');
  },
};

// What is left of processes and cgroups is found by runtimeTest.
for (const [status, make] of Object.entries(makers)) {
  runtimeTest(`delete --force of a ${status} container whose record is damaged leaves nothing`, [], async (world) => {
    const directory = join(world.root, id);
    for (const [how, damage] of Object.entries(damages)) {
      await make(world);
      const { pid } = await world.state(id);
      damage(directory);
      const plain = await world.runtime(['delete', id]);
      if (status === 'running') {
        assert.equal(plain.status, 1, how);
        assert.match(plain.stderr, /--force|cannot delete|EISDIR/, how);
        assert.equal(gone(pid), false, `${how}: a plain delete killed it`);
      }
      await world.ok(['delete', '--force', id]);
      assert.equal(existsSync(directory), false, how);
      if (pid > 0) await eventually(`${how}: its process has gone`, () => gone(pid));
    }
  });
}

runtimeTest('a container without a pid namespace is ended by its cgroup, record or not', [], async (world) => {
  const edit = (spec: Spec): Spec => {
    const namespaces = (spec.linux?.namespaces ?? []).filter(({ type }) => type !== 'pid');
    return { ...spec, linux: { ...spec.linux, namespaces } };
  };
  await world.detached(id, { ...sleeping, edit });
  writeFileSync(join(world.root, id, 'state.json'), '');
  rmSync(join(world.root, id, 'record'));
  await world.ok(['delete', '--force', id]);
});

runtimeTest('an id whose record is lost is not given away while its container runs', [], async (world) => {
  await world.detached(id, sleeping);
  rmSync(join(world.root, id, 'state.json'));
  const again = await world.runtime(['create', '--bundle', world.bundle({ args: ['true'] }), id]);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /already exists/);
  await world.ok(['delete', '--force', id]);
});

runtimeTest('a container in the foreground goes with its lost record, and its status is told', [], async (world) => {
  const shared = join(world.scratch, 'shared');
  const mount = { destination: '/mnt', source: shared, options: ['bind'] };
  const args = ['sh', '-c', 'touch /mnt/up; until [ -e /mnt/go ]; do sleep 0.02; done; exit 7'];
  const bundle = world.bundle({ args, edit: (spec) => ({ ...spec, mounts: [...(spec.mounts ?? []), mount] }) });
  for (const damage of Object.values(damages)) {
    mkdirSync(shared);
    const running = world.start(['run', '--bundle', bundle, id]);
    await eventually('it runs', () => existsSync(join(shared, 'up')));
    damage(join(world.root, id));
    writeFileSync(join(shared, 'go'), '');
    const { status, stderr } = await running.outcome;
    assert.equal(status, 7, stderr);
    assert.equal(existsSync(join(world.root, id)), false);
    rmSync(shared, { recursive: true });
  }
});

runtimeTest('a create that hangs in a hook is ended without its record', [], async (world) => {
  const hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'exec sleep 62'] }] };
  const bundle = world.bundle({ args: ['true'], edit: (spec) => ({ ...spec, hooks }) });
  const making = world.start(['create', '--bundle', bundle, id]);
  await eventually('its cgroup is made', () => existsSync(join(world.root, id, 'exec.json')) || hangs(world));
  writeFileSync(join(world.root, id, 'state.json'), '');
  await world.ok(['delete', '--force', id]);
  // Killed, or faster to find its hook killed.
  assert.notEqual((await making.outcome).status, 0);
  assert.equal(existsSync(join(world.root, id)), false);
});

/** The hook is the last thing that is started. */
function hangs(world: RuntimeWorld): boolean {
  if (!existsSync(join(world.root, id, 'state.json'))) return false;
  return readdirSync('/proc').some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === 'sleep\x0062\0';
    } catch {
      return false;
    }
  });
}

runtimeTest("a cgroup that is another container's by now is left alone", [], async (world) => {
  const edit = (spec: Spec): Spec => ({ ...spec, linux: { ...spec.linux, cgroupsPath: '/onggi-shared' } });
  const others = join(world.scratch, 'others');
  const other = (...args: string[]) => run(runtimeBinary, ['--root', others, ...args]);
  for (const damage of [() => {}, ...Object.values(damages)]) {
    await world.detached(id, { args: ['true'], edit });
    await world.reaches(id, 'stopped');
    // As after a restart of the machine, or when somebody has tidied up.
    for (const directory of cgroupsNamed('onggi-shared')) await run('rmdir', [directory]);
    const bundle = world.bundle({ ...sleeping, edit });
    const started = await run('sh', [
      '-c',
      '"$@" >/dev/null 2>&1 </dev/null',
      '--',
      runtimeBinary,
      '--root',
      others,
      'run',
      '-d',
      '-b',
      bundle,
      id,
    ]);
    assert.equal(started.status, 0, started.stderr);
    const { pid } = JSON.parse((await other('state', id)).stdout);
    damage(join(world.root, id));
    await world.runtime(['kill', '--all', id, 'KILL']);
    await world.ok(['delete', '--force', id]);
    assert.equal(existsSync(join(world.root, id)), false);
    assert.equal(gone(pid), false, 'the other container was killed');
    assert.equal(JSON.parse((await other('state', id)).stdout).status, 'running');
    assert.equal((await other('delete', '--force', id)).status, 0);
  }
});

function cgroupsNamed(name: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').matchAll(/^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2? /gm);
  return Array.from(mounts, ([, mount = '']) => join(mount, name)).filter((path) => existsSync(path));
}

runtimeTest('a copy of a record that is none, or leads elsewhere, ends nothing', [], async (world) => {
  const victim = world.start(['--help']);
  await victim.outcome;
  const directory = join(world.root, id);
  const precious = join(world.scratch, 'precious');
  writeFileSync(precious, 'precious');
  for (const target of [precious, '{', '{"format":1}']) {
    mkdirSync(directory, { recursive: true });
    symlinkSync(target, join(directory, 'record'));
    await world.ok(['delete', '--force', id]);
    assert.equal(existsSync(directory), false);
  }
  assert.equal(readFileSync(precious, 'utf8'), 'precious');
});
