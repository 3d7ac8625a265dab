import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resources } from '../../oci/runtime-spec.ts';
import {
  annotatedProperties,
  deviceProperties,
  limitProperties,
  parseDeviceGroups,
  scopeName,
  scopeProperties,
  slicePath,
} from './systemd-unit.ts';

test('the name of a scope', () => {
  assert.deepEqual(scopeName(undefined, 'x', false), { slice: 'system.slice', unit: 'onggi-x.scope' });
  assert.deepEqual(scopeName('', 'x', true), { slice: 'user.slice', unit: 'onggi-x.scope' });
  assert.deepEqual(scopeName('machine.slice:libpod:abc', 'x', false), {
    slice: 'machine.slice',
    unit: 'libpod-abc.scope',
  });
  assert.deepEqual(scopeName('::abc', 'x', false), { slice: 'system.slice', unit: 'abc.scope' });
  for (const bad of [
    '/a/b',
    'a.slice:b',
    'a.slice:b:c:d',
    'a.slice:b:',
    'a:b:c',
    'a.slice:b:c/d',
    'a.slice:b:c\nExecStart=x',
    'a.slice:b:%h',
    'a.slice:b:c\\x2d',
    'a--b.slice:c:d',
    '-a.slice:c:d',
    '../a.slice:c:d',
    'a.slice:b:c.slice',
    `a.slice:b:${'c'.repeat(255)}`,
  ]) {
    assert.throws(() => scopeName(bad, 'x', false), { code: 'invalid' }, bad);
  }
});

test('the path of a slice', () => {
  assert.equal(slicePath('a-b-c.slice'), '/a.slice/a-b.slice/a-b-c.slice');
  assert.equal(slicePath('system.slice'), '/system.slice');
  assert.equal(slicePath('-.slice'), '');
});

const values = (resources: Resources, unified: boolean, version = 252): Record<string, unknown> =>
  Object.fromEntries(limitProperties(resources, unified, version).map(([name, { value }]) => [name, value]));
const infinity = 2n ** 64n - 1n;

test('limits on v2', () => {
  assert.deepEqual(values({}, true), {});
  assert.deepEqual(
    values(
      {
        memory: { limit: 100, swap: 150, reservation: 50 },
        cpu: { shares: 1024, quota: 12_345, period: 100_000, cpus: '0,9', mems: '0' },
        pids: { limit: -1 },
        blockIO: { weight: 1000 },
      },
      true,
    ),
    {
      MemoryMax: 100n,
      MemoryLow: 50n,
      MemorySwapMax: 50n,
      CPUWeight: 100n,
      IOWeight: 10_000n,
      CPUQuotaPeriodUSec: 100_000n,
      // 12.345 % as the next whole percent.
      CPUQuotaPerSecUSec: 130_000n,
      TasksMax: infinity,
      AllowedCPUs: new Uint8Array([1, 2]),
      AllowedMemoryNodes: new Uint8Array([1]),
    },
  );
  assert.deepEqual(values({ memory: { limit: -1 }, cpu: { idle: 1, shares: 5, quota: -1 } }, true), {
    MemoryMax: infinity,
    MemorySwapMax: infinity,
    CPUWeight: 0n,
    CPUQuotaPerSecUSec: infinity,
  });
});

test('idle is a weight, where systemd knows it', () => {
  assert.deepEqual(values({ cpu: { idle: 1, shares: 5 } }, true, 251), {});
  assert.deepEqual(values({ cpu: { idle: 0 } }, true), { CPUWeight: infinity });
  assert.deepEqual(values({ cpu: { idle: 0, shares: 1024 } }, true), { CPUWeight: 100n });
});

test('limits on v1', () => {
  assert.deepEqual(
    values({ memory: { limit: 100, swap: 150 }, cpu: { shares: 512 }, blockIO: { weight: 20 } }, false),
    {
      MemoryLimit: 100n,
      CPUShares: 512n,
      BlockIOWeight: 20n,
    },
  );
});

test('a scope asks systemd to keep its hands off', () => {
  const properties = Object.fromEntries(
    scopeProperties({ slice: 'a.slice', unit: 'x.scope' }, 'x', 7, 252).map(([name, { value }]) => [name, value]),
  );
  assert.equal(properties['Delegate'], true);
  assert.equal(properties['Slice'], 'a.slice');
  assert.deepEqual(properties['PIDs'], [7]);
  assert.equal('OOMPolicy' in properties, false);
});

test('annotations set a few properties and no other', () => {
  const of = (key: string, value: string): unknown => annotatedProperties({ [`org.systemd.property.${key}`]: value });
  assert.deepEqual(of('TimeoutStopUSec', 'uint64 5000000'), [['TimeoutStopUSec', { signature: 't', value: 5000000n }]]);
  assert.deepEqual(of('KillSignal', '37'), [['KillSignal', { signature: 'i', value: 37 }]]);
  assert.deepEqual(of('CollectMode', "'inactive'"), [['CollectMode', { signature: 's', value: 'inactive' }]]);
  assert.deepEqual(annotatedProperties({ 'org.example': 'x' }), []);
  for (const name of ['ExecStopPost', 'Slice', 'PIDs', 'User', 'constructor', '', 'DeviceAllow']) {
    assert.throws(() => of(name, 'true'), { code: 'unsupported' }, name);
  }
  for (const value of ['-1', 'uint64 x', "'a' 'b'", '99999999999999999999']) {
    assert.throws(() => of('TimeoutStopUSec', value), { code: 'invalid' }, value);
  }
});

test('device rules as systemd has them', () => {
  const groups = parseDeviceGroups(
    'Character devices:\n  1 mem\n136 pts\n 10 misc\n\nBlock devices:\n  8 sd\n259 blkext\n',
  );
  const warnings: string[] = [];
  const rules = [
    { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
    { allow: true, type: 'b', major: 8, access: 'r' },
    { allow: true, type: 'b', major: 77, access: 'r' },
  ];
  const [policy, allow] = deviceProperties(rules, groups, (message) => warnings.push(message));
  assert.equal(policy?.[1].value, 'strict');
  const entries = allow?.[1].value as [string, string][];
  for (const entry of [
    ['/dev/char/10:229', 'rw'],
    ['block-sd', 'r'],
    ['char-*', 'm'],
    ['/dev/char/1:3', 'rwm'],
    ['char-pts', 'rwm'],
  ]) {
    assert.ok(
      entries.some((found) => found.join() === entry.join()),
      entry.join(),
    );
  }
  assert.deepEqual(warnings, ['systemd can\'t be told of the device rule "b 77:* r"']);
  assert.deepEqual(deviceProperties([{ allow: true }], groups, assert.fail), [
    ['DevicePolicy', { signature: 's', value: 'auto' }],
  ]);
});
