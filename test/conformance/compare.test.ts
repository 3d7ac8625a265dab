import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bundle, type Difference, type Fields, type RuntimeName, specOf } from './bundle.ts';
import { bundles } from './bundles.ts';
import { compare, matches } from './compare.ts';

function bundle(more: Partial<Bundle>): Bundle {
  return { name: 'b', section: '', about: '', spec: () => specOf({}), expect: {}, ...more };
}

function views(onggi: Fields, runc: Fields, crun: Fields): Map<RuntimeName, Fields> {
  return new Map([
    ['onggi', onggi],
    ['runc', runc],
    ['crun', crun],
  ]);
}

test('a field in which one differs is a problem, also when it is missing', () => {
  const { problems } = compare(bundle({}), [], views({ a: 1, b: 2 }, { a: 1 }, { a: 3, b: 2 }));
  assert.deepEqual(problems, ['a: onggi 1, runc 1, crun 3', 'b: onggi 2, runc nothing, crun 2']);
});

test('all agree, but not with the specification', () => {
  const { problems } = compare(bundle({ expect: { a: 2 } }), [], views({ a: 1 }, { a: 1 }, { a: 1 }));
  assert.deepEqual(problems, ['a: specification 2, onggi 1, runc 1, crun 1']);
});

test('a known difference is passed over, and noticed', () => {
  const known: Difference = { runtime: 'crun', field: 'a*', why: '' };
  const general: Difference = { runtime: 'runc', field: 'c', why: '' };
  const stale: Difference = { runtime: 'runc', field: 'b', why: '' };
  const seen = compare(
    bundle({ differences: [known, stale] }),
    [general],
    views({ ab: 1, b: 2, c: 1 }, { ab: 1, b: 2, c: 2 }, { ab: 3, b: 2, c: 1 }),
  );
  assert.deepEqual(seen.problems, []);
  assert.deepEqual([...seen.seen], [known, general]);
});

test('a pattern is a star and else itself', () => {
  assert.ok(matches('mounts./dev.*', 'mounts./dev.fstype'));
  assert.ok(!matches('mounts./dev.*', 'mountsX/dev.fstype'));
  assert.ok(!matches('a', 'ab'));
});

test('bundles have names of their own, and each demands something', () => {
  assert.equal(new Set(bundles.map(({ name }) => name)).size, bundles.length);
  assert.ok(bundles.length >= 30);
  for (const { name, expect } of bundles) assert.ok(Object.keys(expect).length > 1, name);
});
