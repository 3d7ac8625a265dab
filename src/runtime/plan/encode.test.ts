import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import { encodePlan } from './encode.ts';
import { cloneFlags, hookKindNumbers, keeperOpNumbers, opNumbers, phaseNumbers } from './numbers.ts';
import { stepAt } from './step-error.ts';
import type { InitStep, Plan } from './steps.ts';

const header = readFileSync(new URL('../../../native/plan/plan.h', import.meta.url), 'utf8');

/** The enum entries of the header that begin with `prefix`, as `[our-name, number]`. */
function enumOfHeader(prefix: string): [string, number][] {
  const entries = header.matchAll(new RegExp(`^\\s*${prefix}_([A-Z0-9_]+) = (\\d+),`, 'gm'));
  return [...entries].map(([, name = '', number = '']) => [name.toLowerCase().replaceAll('_', '-'), Number(number)]);
}

const plain: Plan = {
  keeper: {
    kind: 'shim',
    id: 'ab',
    socket: '/run/s',
    log: null,
    exitFile: '/e',
    reconcile: ['onggi', 'x'],
    terminal: true,
    stdin: false,
    stdinOnce: false,
    startRequired: true,
    oom: null,
  },
  prepare: [],
  spawn: {
    kind: 'clone',
    namespaces: ['mnt', 'pid', 'cgroup'],
    join: [],
    cgroups: { unified: null, legacy: [] },
    timeOffsets: [],
  },
  attach: [],
  init: [],
  cleanup: [],
};

const withInit = (step: InitStep): Plan => ({ ...plain, init: [step] });

type Record = { op: number; phase: number; payload: DataView };

function decode(bytes: Uint8Array): Record[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  assert.equal(new TextDecoder().decode(bytes.subarray(0, 4)), 'OGPL');
  assert.equal(view.getUint32(4, true), 1);
  assert.equal(view.getUint32(8, true), bytes.length);
  const records: Record[] = [];
  let at = 16;
  while (at < bytes.length) {
    const length = view.getUint32(at + 4, true);
    records.push({
      op: view.getUint16(at, true),
      phase: view.getUint16(at + 2, true),
      payload: new DataView(bytes.buffer, bytes.byteOffset + at + 8, length),
    });
    at += 8 + length;
  }
  assert.equal(at, bytes.length);
  assert.equal(view.getUint32(12, true), records.length);
  return records;
}

test('op and phase numbers are those of native/plan/plan.h, in both directions', () => {
  assert.deepEqual(Object.fromEntries(enumOfHeader('OP')), { ...keeperOpNumbers, ...opNumbers });
  assert.deepEqual(Object.fromEntries(enumOfHeader('PHASE')), phaseNumbers);
  const kinds = enumOfHeader('HOOK').map(([name, number]) => [name.replace(/-(.)/, (_, c) => c.toUpperCase()), number]);
  assert.deepEqual(Object.fromEntries(kinds), hookKindNumbers);
});

test('namespace flags are those of <linux/sched.h>', () => {
  const scheduler = readFileSync('/usr/include/linux/sched.h', 'utf8');
  for (const [type, flag] of Object.entries(cloneFlags)) {
    const name = type === 'mnt' ? 'CLONE_NEWNS' : `CLONE_NEW${type.toUpperCase()}`;
    assert.equal(Number(new RegExp(`${name}\\s+(0x[0-9a-f]+)`).exec(scheduler)?.[1]), flag, name);
  }
});

test('the first two records say what the keeper and the spawn are', () => {
  const [shim, spawn, ...rest] = decode(encodePlan(plain));
  assert.ok(shim && spawn);
  assert.deepEqual([shim.op, shim.phase, spawn.op, spawn.phase], [1, 0, 2, 0]);
  assert.equal(rest.length, 0);
  // u32 length, "ab", NUL
  assert.equal(shim.payload.getUint32(0, true), 2);
  assert.equal(shim.payload.getUint8(6), 0);
  // no log: driver 0, str? none
  assert.equal(shim.payload.getUint32(7 + 11, true), 0);
  assert.equal(shim.payload.getUint32(7 + 15, true), 0xffff_ffff);
  // CLONE_NEWNS | CLONE_NEWPID, never CLONE_NEWCGROUP
  assert.equal(spawn.payload.getUint32(0, true), 0x2002_0000);
});

test('a health check is the third record, and steps are counted on behind it', () => {
  const health: Plan['health'] = {
    directory: '/h',
    freezer: null,
    interval: 30_000,
    timeout: 1.5,
    startPeriod: 0,
    startInterval: 5000,
    retries: 3,
    action: 'kill',
    command: [],
  };
  const plan: Plan = { ...plain, health, init: [{ op: 'umask', mask: 0o22 }] };
  const [, , record, step] = decode(encodePlan(plan));
  assert.deepEqual([record?.op, record?.phase, step?.op], [5, 0, opNumbers.umask]);
  // "/h", no freezer
  const at = 7 + 4;
  assert.equal(record?.payload.getUint32(7, true), 0xffff_ffff);
  const times = [0, 8, 16, 24].map((offset) => Number(record?.payload.getBigUint64(at + offset, true)));
  assert.deepEqual(times, [30_000, 2, 0, 5000]);
  assert.deepEqual([record?.payload.getUint32(at + 32, true), record?.payload.getUint32(at + 36, true)], [3, 1]);
  assert.equal(stepAt(plan, 3)?.op, 'umask');
});

test('another runtime is a record of its own, and steps are counted on behind it', () => {
  const runtime = {
    program: '/r',
    state: '/s',
    id: 'ab',
    pidFile: '/p',
    log: '/l',
    console: null,
    group: '/g',
    seconds: 60,
  };
  const plan: Plan = { ...plain, runtime, init: [{ op: 'umask', mask: 0o22 }] };
  const [, , record, step] = decode(encodePlan(plan));
  assert.deepEqual([record?.op, record?.phase, step?.op], [6, 0, opNumbers.umask]);
  // Five strings of two characters, no console.
  assert.equal(record?.payload.getUint32(5 * 7, true), 0xffff_ffff);
  assert.equal(stepAt(plan, 3)?.op, 'umask');
});

test('a mount step is laid out field by field', () => {
  const step: InitStep = {
    op: 'mount',
    fstype: 'ü',
    source: '',
    target: '/t',
    flags: { bits: 0x8000_0001, words: [] },
    data: 'a=b',
    optional: true,
  };
  const record = decode(encodePlan(withInit(step)))[2];
  assert.ok(record);
  assert.deepEqual([record.op, record.phase], [68, 3]);
  const bytes = new Uint8Array(record.payload.buffer, record.payload.byteOffset, record.payload.byteLength);
  const expected = [
    [2, 0, 0, 0, 0xc3, 0xbc, 0],
    [0, 0, 0, 0, 0],
    [2, 0, 0, 0, 0x2f, 0x74, 0],
    [1, 0, 0, 0x80],
    [3, 0, 0, 0, 0x61, 0x3d, 0x62, 0],
    [1, 0, 0, 0],
    [0, 0, 0, 0],
  ];
  assert.deepEqual([...bytes], expected.flat());
});

test('netlink keeps the phase of the list it stands in', () => {
  const step = {
    op: 'netlink',
    protocol: 'netfilter',
    what: 'w',
    messages: [{ bytes: new Uint8Array([1, 2, 3]), pidAt: [4, 8], what: 'm' }],
  } as const;
  const records = decode(encodePlan({ ...plain, attach: [step], init: [step] }));
  assert.deepEqual(
    records.slice(2).map((record) => [record.op, record.phase, record.payload.getUint32(0, true)]),
    [
      [33, 2, 12],
      [33, 3, 12],
    ],
  );
});

test("a negative number and a negative time offset are two's complement", () => {
  const bytes = encodePlan({
    ...plain,
    spawn: {
      kind: 'clone',
      namespaces: ['time'],
      join: [],
      cgroups: { unified: null, legacy: [] },
      timeOffsets: [{ clock: 'boottime', secs: -5n, nanosecs: 7 }],
    },
    init: [{ op: 'oom-score-adj', value: -500, optional: false }],
  });
  const [, spawn, oom] = decode(bytes);
  // flags, join count, unified none, legacy count, offsets count, clock, secs
  assert.equal(spawn?.payload.getUint32(20, true), 7);
  assert.equal(spawn?.payload.getBigInt64(24, true), -5n);
  assert.equal(oom?.payload.getInt32(0, true), -500);
});

test('a plan that outgrows the first buffer keeps every byte', () => {
  const env = Array.from({ length: 3000 }, (_, index) => `NAME_${index}=${'x'.repeat(index % 90)}`);
  const bytes = encodePlan(withInit({ op: 'exec', argv: ['a'], env, reaper: false }));
  const record = decode(bytes)[2];
  assert.ok(record);
  let at = 4 + 6;
  assert.equal(record.payload.getUint32(at, true), env.length);
  at += 4;
  for (const text of env) {
    const length = record.payload.getUint32(at, true);
    const slice: Uint8Array = new Uint8Array(record.payload.buffer, record.payload.byteOffset + at + 4, length);
    assert.equal(new TextDecoder().decode(slice), text);
    at += 4 + length + 1;
  }
  // No init, and no program for it.
  assert.equal(at + 4 + 4, record.payload.byteLength);
});

const refused: [string, InitStep][] = [
  ['a NUL in a path', { op: 'mask', path: '/a\0b' }],
  ['a NUL in an argument', { op: 'exec', argv: ['a\0'], env: [], reaper: false }],
  ['a NUL in an environment value', { op: 'exec', argv: ['a'], env: ['A=\0'], reaper: false }],
  [
    'a NUL in a user name',
    {
      op: 'identity',
      user: '\0',
      group: null,
      additionalGroups: [],
      primaryGroup: true,
      capabilities: { bounding: 0n, effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n },
    },
  ],
  ['a negative mode', { op: 'umask', mask: -1 }],
  ['a fraction', { op: 'umask', mask: 0.5 }],
  ['a mode over 32 bits', { op: 'umask', mask: 2 ** 32 }],
  ['a limit over 64 bits', { op: 'rlimit', resource: 1, name: 'x', soft: 1n << 64n, hard: 0n }],
  ['a negative limit', { op: 'rlimit', resource: 1, name: 'x', soft: -1n, hard: 0n }],
  ['more than 16 MiB', { op: 'exec', argv: ['a'], env: [`A=${'x'.repeat(17 << 20)}`], reaper: false }],
];
for (const [what, step] of refused) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => encodePlan(withInit(step)),
      (error) => error instanceof OnggiError && error.code === 'invalid',
    );
  });
}
