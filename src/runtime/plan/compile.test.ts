/**
 * Golden plans: testdata/<case>/config.json, optionally with context.json for what the machine and the engine say,
 * must compile to plan.txt, or be refused as it says. `ONGGI_UPDATE_GOLDEN=1` writes plan.txt anew; read the difference.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { compileSeccomp, filterFor } from '../../../test/harness/seccomp-step.ts';
import { OnggiError } from '../../errors.ts';
import { decodeSpec } from '../../oci/runtime-json.ts';
import type { Spec } from '../../oci/runtime-spec.ts';
import { allCapabilities, capabilitySet } from '../capability.ts';
import type { CgroupLayout } from '../cgroup/hierarchy.ts';
import { type CompileContext, compile, type HostFacts } from './compile.ts';
import { compileExec } from './compile-exec.ts';
import { encodePlan } from './encode.ts';
import { explainPlan } from './explain.ts';
import type { InitStep } from './steps.ts';

const directory = new URL('testdata/', import.meta.url);

const legacyHierarchy = (name: string, controllers = [name]): CgroupLayout['legacy'][number] => ({
  mountPoint: `/sys/fs/cgroup/${name}`,
  controllers,
  name,
  options: controllers.length === 0 ? `name=${name}` : controllers.join(','),
});
const legacy = [
  legacyHierarchy('cpu,cpuacct', ['cpu', 'cpuacct']),
  ...['cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids', 'hugetlb'].map((name) => legacyHierarchy(name)),
  legacyHierarchy('systemd', []),
];
const controllers = ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma'];
const layouts: Record<string, CgroupLayout> = {
  none: { mode: 'none', legacy: [], unified: null, swap: false },
  legacy: { mode: 'legacy', legacy, unified: null, swap: true },
  hybrid: { mode: 'hybrid', legacy, unified: { mountPoint: '/sys/fs/cgroup/unified', controllers: [] }, swap: false },
  unified: { mode: 'unified', legacy: [], unified: { mountPoint: '/sys/fs/cgroup', controllers }, swap: true },
};

const host: HostFacts = {
  cgroups: layouts['unified'] ?? assert.fail(),
  capabilities: capabilitySet(allCapabilities),
  architecture: 'x86_64',
};

const context: CompileContext = {
  host,
  keeper: {
    kind: 'shim',
    id: 'abc',
    socket: '/run/onggi/abc.sock',
    log: null,
    exitFile: '/var/lib/onggi/abc/exit.json',
    reconcile: [],
    stdin: false,
    stdinOnce: false,
    startRequired: false,
  },
  bundle: '/var/lib/onggi/abc',
  root: {
    kind: 'overlay',
    directory: '/var/lib/onggi/layers',
    lower: ['1b', '1a'],
    upper: '/var/lib/onggi/abc/upper',
    work: '/var/lib/onggi/abc/work',
    volatile: false,
    userAttributes: false,
    target: '/var/lib/onggi/abc/rootfs',
  },
  network: { attach: [], init: [] },
  createSources: [],
  reaper: false,
  waitForStart: true,
};

/** What context.json may say. */
type Variation = Partial<
  Pick<
    CompileContext,
    'keeper' | 'root' | 'createSources' | 'volumes' | 'reaper' | 'waitForStart' | 'noPivot' | 'keyring'
  >
> & {
  readonly cgroups?: string;
  readonly lacking?: readonly string[];
};

function vary({ cgroups = 'unified', lacking = [], ...rest }: Variation): CompileContext {
  const layout = layouts[cgroups] ?? assert.fail(`no such layout: ${cgroups}`);
  return {
    ...context,
    ...rest,
    host: { ...host, cgroups: layout, capabilities: host.capabilities & ~capabilitySet(lacking) },
  };
}

function outcome(spec: Spec, variation: Variation): string {
  try {
    const { plan, warnings } = compile(spec, { ...vary(variation), ...filterFor(spec, host.architecture) });
    encodePlan(plan);
    return [explainPlan(plan), ...warnings.map((warning) => `warning: ${warning}\n`)].join('\n');
  } catch (error) {
    if (!(error instanceof OnggiError)) throw error;
    return `refused, ${error.code}: ${error.message}\n`;
  }
}

for (const name of readdirSync(directory)) {
  test(`testdata/${name}`, () => {
    const file = (leaf: string): URL => new URL(`${name}/${leaf}`, directory);
    const spec = decodeSpec(readFileSync(file('config.json'), 'utf8'));
    const variation: unknown = existsSync(file('context.json'))
      ? JSON.parse(readFileSync(file('context.json'), 'utf8'))
      : {};
    const found = outcome(spec, variation as Variation);
    if (process.env['ONGGI_UPDATE_GOLDEN'] === '1') writeFileSync(file('plan.txt'), found);
    assert.equal(found, readFileSync(file('plan.txt'), 'utf8'));
  });
}

const minimal = (more: Partial<Spec> = {}, linux: Spec['linux'] = {}): Spec => ({
  ociVersion: '1.2.0',
  process: { user: { uid: 0, gid: 0 }, cwd: '/', args: ['true'] },
  linux: { namespaces: [{ type: 'mount' }], ...linux },
  ...more,
});

const stepsOf = (spec: Spec): readonly InitStep[] =>
  compile(spec, { ...context, ...filterFor(spec, host.architecture) }).plan.init;

test('the filter comes before the identity without no_new_privs, after it with', () => {
  const seccomp = { defaultAction: 'SCMP_ACT_ALLOW' };
  const order = (noNewPrivileges: boolean): string[] =>
    stepsOf(
      minimal(
        { process: { user: { uid: 0, gid: 0 }, cwd: '/', args: ['x'], noNewPrivileges } },
        { seccomp, namespaces: [{ type: 'mount' }] },
      ),
    )
      .map((step) => step.op)
      .filter((op) => ['seccomp', 'identity', 'no-new-privileges', 'wait-start', 'exec'].includes(op));
  assert.deepEqual(order(false), ['seccomp', 'identity', 'wait-start', 'exec']);
  assert.deepEqual(order(true), ['no-new-privileges', 'identity', 'wait-start', 'seccomp', 'exec']);
});

test('no container path is resolved before the root is entered, no host path after pivot', () => {
  const spec = decodeSpec(readFileSync(new URL('docker-default/config.json', directory), 'utf8'));
  const ops = stepsOf(spec).map((step) => step.op);
  const [entered, pivoted] = [ops.indexOf('enter-root'), ops.indexOf('pivot-root')];
  const first = Math.min(...['mount', 'bind', 'mknod', 'symlink'].map((op) => ops.indexOf(op as InitStep['op'])));
  assert.ok(entered < first && first < pivoted);
  assert.ok(ops.lastIndexOf('bind') < pivoted && ops.lastIndexOf('mount') < pivoted);
  assert.ok(ops.indexOf('sysctl') < ops.indexOf('readonly'), 'sysctls are written before /proc/sys is read-only');
  assert.equal(ops.at(-1), 'exec');
});

test('ids that would wrap around are refused', () => {
  for (const uid of [-1, 2 ** 32 - 1, 2 ** 32, 1.5]) {
    const spec = minimal({ process: { user: { uid, gid: 0 }, cwd: '/', args: ['x'] } });
    assert.throws(
      () => compile(spec, context),
      (error) => error instanceof OnggiError && error.code === 'invalid',
    );
  }
});

test("exec joins, mounts nothing and keeps the container's filter and capabilities", () => {
  const { plan, warnings } = compileExec(
    {
      user: { uid: 0, gid: 0, username: 'web:www' },
      cwd: '/srv',
      args: ['sh'],
      env: ['A=1'],
      terminal: true,
      consoleSize: { height: 50, width: 100 },
      capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] },
    },
    compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW' }, host.architecture, { state: () => '' }),
    {
      host,
      keeper: context.keeper,
      pid: 77,
      startTime: 5n,
      namespaces: ['mnt', 'pid', 'net'],
      cgroups: { unified: '/sys/fs/cgroup/onggi/abc', legacy: [] },
      waitForStart: true,
    },
  );
  encodePlan(plan);
  assert.deepEqual(warnings, []);
  assert.equal(
    explainPlan(plan),
    `Before: the shim, on the host:
   1. listen for clients on /run/onggi/abc.sock

Birth of the container:
   1. enter the namespaces of process 77 (mounts, processes, networks)
   2. put it into the cgroup /sys/fs/cgroup/onggi/abc

Inside: the first process of the container:
   1. open a terminal of 50 rows and 100 columns as stdin, stdout and stderr
   2. go to the directory /srv
   3. set the file mode creation mask to 0022
   4. filter system calls: rules for 0 of them, the others are allowed
   5. become user web and group www, with no capabilities but kill
   6. find the program sh
   7. report that the container is created and wait for the word to start
   8. execute sh with 1 environment variable
`,
  );
});
