import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeSpec, encodeSpec } from './runtime-json.ts';
import type { Spec } from './runtime-spec.ts';

const withLimit = (hard: number | bigint): Spec => ({
  ociVersion: '1.2.0',
  process: { user: { uid: 0, gid: 0 }, cwd: '/', oomScoreAdj: -5, rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard }] },
});

test('64-bit numbers survive, in decimal', () => {
  const unlimited = 18446744073709551615n;
  const text = encodeSpec(withLimit(unlimited));
  assert.match(text, /"hard":18446744073709551615[,}]/);
  assert.deepEqual(decodeSpec(text), withLimit(unlimited));
});

test('small numbers stay numbers, whatever they were', () => {
  assert.deepEqual(decodeSpec(encodeSpec(withLimit(7n))), withLimit(7));
  assert.deepEqual(decodeSpec(encodeSpec(withLimit(2 ** 53 - 1))), withLimit(2 ** 53 - 1));
});

test('a string that looks like a number is none', () => {
  const spec: Spec = { ociVersion: '1.2.0', hostname: '18446744073709551615', annotations: { a: '1e999' } };
  assert.deepEqual(decodeSpec(encodeSpec(spec)), spec);
});
