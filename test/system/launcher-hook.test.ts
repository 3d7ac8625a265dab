/** Hooks of config.json, run by a launcher, a shim and the init: when, where, with what, and what their failing does. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCreated } from '../../src/kernel/launcher.ts';
import type { HookStep, Plan } from '../../src/runtime/plan/steps.ts';
import { probePath } from '../harness/busybox-image.ts';
import { requires } from '../harness/requires.ts';
import {
  createdPlan,
  fifoOf,
  hook,
  interpreter,
  launcherPlan,
  launchIn,
  output,
  refusal,
} from './launcher-container.ts';
import { ended, eventually, follow, inPlace, type Place } from './shim-container.ts';

const needs = requires('root');

/** A shell script as a hook, on the host or in the container. */
function script(kind: HookStep['kind'], text: string, more: Partial<HookStep> = {}): HookStep {
  return hook(kind, [kind === 'startContainer' ? '/bin/sh' : '/bin/busybox', ...shell(kind), '-c', text], more);
}

function shell(kind: HookStep['kind']): string[] {
  return kind === 'startContainer' ? [] : ['sh'];
}

/** The plan with these hooks, each where the compiler puts it. */
function withHooks(plan: Plan, hooks: readonly HookStep[]): Plan {
  const of = (...kinds: HookStep['kind'][]): HookStep[] => hooks.filter(({ kind }) => kinds.includes(kind));
  const pivot = plan.init.findIndex(({ op }) => op === 'pivot-root' || op === 'move-root');
  return {
    ...plan,
    attach: [...plan.attach, ...of('prestart', 'createRuntime')],
    init: [
      ...plan.init.slice(0, pivot),
      { op: 'runtime-hooks' },
      ...of('createContainer'),
      ...plan.init.slice(pivot, -1),
      ...of('startContainer'),
      ...plan.init.slice(-1),
    ],
  };
}

/** Says that it runs, what it reads, its mount namespace, whether the container's mounts are there. */
function telling(place: Place, kind: HookStep['kind']): HookStep {
  const log = kind === 'startContainer' ? '/hooks' : join(place.path, 'hooks');
  const mounts = `$(grep -c ' ${kind === 'startContainer' ? '' : place.root}/proc ' /proc/self/mountinfo)`;
  const text = `read -r state; echo "${kind} $state $(readlink /proc/self/ns/mnt) ${mounts} $A" >> ${log}`;
  return script(kind, text, { env: ['PATH=/bin', `A=${kind[0]}`] });
}

const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer'] as const;

type Line = {
  readonly kind: string;
  readonly state: { status: string; pid: number };
  readonly namespace: string;
  readonly mounts: string;
  readonly variable: string;
};

function linesOf(path: string): Line[] {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [kind = '', state = '', namespace = '', mounts = '', variable = ''] = line.split(' ');
    return { kind, state: JSON.parse(state), namespace, mounts, variable };
  });
}

function checkTold(place: Place, pid: number): void {
  const own = readlinkSync('/proc/self/ns/mnt');
  const lines = linesOf(join(place.path, 'hooks'));
  assert.deepEqual(
    lines.map((line) => [line.kind, line.state.pid, line.namespace === own, line.mounts, line.variable]),
    [
      ['prestart', pid, true, '0', 'p'],
      ['createRuntime', pid, true, '0', 'c'],
      ['createContainer', 1, false, '1', 'c'],
    ],
  );
}

test('each hook runs at its time, in its namespaces, with the state and its environment', needs, async () => {
  await inPlace(async (place) => {
    const plan = withHooks(
      createdPlan(place, { argv: ['sh', '-c', 'cat /hooks; echo command'] }),
      kinds.map((kind) => telling(place, kind)),
    );
    using launched = launchIn(place, plan);
    const { pid } = launched.created();
    checkTold(place, pid);
    const inside = readlinkSync(`/proc/${pid}/ns/mnt`);
    assert.equal(linesOf(join(place.path, 'hooks'))[2]?.namespace, inside);
    assert.equal(existsSync(join(place.root, 'hooks')), false);
    startCreated(fifoOf(place), interpreter(plan));
    assert.ok(await ended(pid));
    const [line] = linesOf(join(place.root, 'hooks'));
    assert.deepEqual([line?.state, line?.namespace, line?.mounts], [{ status: 'startContainer', pid: 1 }, inside, '1']);
    assert.match(output(place), /^startContainer .*\ncommand\n$/);
  });
});

test('a shim runs them in the same way', needs, async () => {
  await inPlace(async (place) => {
    const all = kinds.map((kind) => telling(place, kind));
    place.launch(withHooks(place.plan({ argv: ['cat', '/hooks'] }), all));
    const told = await follow(await place.connect());
    assert.equal(told.exit.exitCode, 0);
    checkTold(place, told.pid);
    assert.match(told.stdout, /^startContainer /);
  });
  await inPlace(async (place) => {
    place.launch(withHooks(place.plan({ argv: ['true'] }), [script('createRuntime', 'exit 4')]));
    const failed = await follow(await place.connect());
    assert.match(failed.fail().text, /^hooks.createRuntime\[0\] "\/bin\/busybox" exited with status 4$/);
    assert.equal(failed.exit.neverRan, true);
  });
});

test('a hook that hangs keeps a shim from nobody, and ends with its container', needs, async () => {
  await inPlace(async (place) => {
    const file = join(place.path, 'hook');
    const hanging = script('createRuntime', `echo $$ > ${file}; exec sleep 1000`, { env: ['PATH=/bin'] });
    place.launch(withHooks(place.plan({ argv: ['true'] }), [hanging]));
    const client = await place.connect();
    assert.ok(await eventually(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n')));
    // Another one is heard meanwhile, and heeded.
    const other = await place.connect();
    other.killAll();
    const told = await follow(client);
    other.close();
    assert.deepEqual([told.exit.neverRan, told.exit.signal], [true, 9]);
    assert.ok(await ended(Number(readFileSync(file, 'utf8'))));
  });
});

/** The error of making, or starting, a container with this one hook; nothing of it may be left. */
async function failing(
  make: (place: Place) => HookStep,
  look: (place: Place) => void = () => {},
): Promise<{ code: string; message: string }> {
  let refused = { code: '', message: '' };
  await inPlace(async (place) => {
    const plan = withHooks(launcherPlan(place, { argv: ['true'] }), [make(place)]);
    using launched = launchIn(place, plan);
    refused = refusal(() => {
      launched.created();
      launched.start();
    });
    look(place);
  });
  return refused;
}

test('a hook that fails undoes the container and says why', needs, async () => {
  for (const kind of kinds) {
    const { code, message } = await failing(() => script(kind, 'echo all is $0; echo "no\x1b[2J way" >&2; exit 3'));
    assert.equal(code, 'unavailable');
    const path = kind === 'startContainer' ? '/bin/sh' : '/bin/busybox';
    assert.equal(
      message.replace(/all is \S+/, 'all'),
      `start container: hooks.${kind}[0] "${path}" exited with status 3: all no [2J way`,
    );
  }
  assert.match((await failing(() => script('prestart', 'kill -9 $$'))).message, /was killed by signal 9$/);
  const long = await failing(() => script('prestart', 'seq 1 100000; echo end >&2; exit 1'));
  assert.match(long.message, /99999 100000 end$/);
});

test('a hook that is not there, or can not be executed', needs, async () => {
  assert.deepEqual(await failing(() => hook('createRuntime', ['/no/such/hook'])), {
    code: 'not-found',
    message: 'start container: execute hooks.createRuntime[0] "/no/such/hook": no such file or directory',
  });
  const { code, message } = await failing((place) => {
    writeFileSync(join(place.root, 'plain'), 'x');
    return hook('startContainer', ['/plain']);
  });
  assert.deepEqual(
    [code, message],
    ['denied', 'start container: execute hooks.startContainer[0] "/plain": permission denied'],
  );
});

test('a hook that hangs is killed, with all that it has started', needs, async () => {
  for (const kind of ['prestart', 'startContainer'] as const) {
    let pid = '';
    const before = Date.now();
    const { message } = await failing(
      (place) => {
        const path = kind === 'startContainer' ? '/pid' : join(place.path, 'pid');
        return script(kind, `sleep 1000 & echo $! > ${path}; echo waiting; wait`, { timeout: 1, env: ['PATH=/bin'] });
      },
      (place) => {
        if (kind === 'prestart') pid = readFileSync(join(place.path, 'pid'), 'utf8');
      },
    );
    const took = Date.now() - before;
    if (kind === 'prestart') assert.ok(await ended(Number(pid)), `what the hook had started, ${pid}, lives on`);
    assert.match(message, new RegExp(`hooks.${kind}\\[0\\] "\\S+" did not end within 1 s: waiting$`));
    assert.ok(took >= 1000 && took < 4000, `${took} ms`);
  }
});

test('a starter that gives up ends a hook that hangs, and the container', needs, async () => {
  await inPlace(async (place) => {
    const file = join(place.path, 'pid');
    const hanging = script('prestart', `tr -dc 0-9 > ${file}; echo "\n$$" >> ${file}; exec sleep 1000`, {
      env: ['PATH=/bin'],
    });
    const launched = launchIn(place, withHooks(launcherPlan(place, { argv: ['true'] }), [hanging]));
    const pids = (): string[] => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);
    assert.ok(await eventually(() => pids().length === 2));
    launched[Symbol.dispose]();
    for (const pid of pids()) assert.ok(await ended(Number(pid)), `${pid} lives on`);
  });
});

test('a large state reaches a hook that reads it, and does not hold up one that does not', needs, async () => {
  const state = { before: `{"padding":"${'x'.repeat(300_000)}","pid":`, after: '}' };
  await inPlace(async (place) => {
    const count = script('prestart', `wc -c > ${join(place.path, 'count')}`, { state, env: ['PATH=/bin'] });
    const ignore = script('createContainer', 'true', { state });
    using launched = launchIn(place, withHooks(launcherPlan(place, { argv: ['true'] }), [count, ignore]));
    const { pid } = launched.created();
    const expected = state.before.length + String(pid).length + 1;
    assert.equal(Number(readFileSync(join(place.path, 'count'), 'utf8')), expected);
  });
});

test('a hook gets three descriptors, no terminal, its environment, and what it leaves may live', needs, async () => {
  await inPlace(async (place) => {
    const seen = join(place.path, 'seen');
    const late = join(place.path, 'late');
    const text = `${probePath} > ${seen}; (sleep 0.3; echo late > ${late}) & exit 0`;
    const hooks = [script('prestart', text, { env: ['ONLY=this', 'PATH=/bin'] })];
    using launched = launchIn(place, withHooks(launcherPlan(place, { argv: ['true'] }), hooks));
    launched.created();
    const { descriptors, env } = JSON.parse(readFileSync(seen, 'utf8'));
    assert.deepEqual(Object.keys(descriptors), ['0', '1', '2']);
    assert.match(descriptors[0], /^pipe:/);
    assert.deepEqual(env.filter((variable: string) => !/^(PWD|SHLVL|_)=/.test(variable)).sort(), [
      'ONLY=this',
      'PATH=/bin',
    ]);
    assert.ok(await eventually(() => existsSync(late)));
  });
});
