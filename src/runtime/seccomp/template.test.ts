import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applySeccompTemplate, type SeccompPlace } from './template.ts';

const place: SeccompPlace = { capabilities: ['CAP_SYS_CHROOT'], machine: 'x86_64', kernel: [6, 1] };
const rule = (name: string, more: object = {}) => ({ names: [name], action: 'SCMP_ACT_ALLOW', ...more });

function allowed(...syscalls: object[]): string[] {
  const { syscalls: left = [] } = applySeccompTemplate({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }, place);
  return left.flatMap(({ names }) => names);
}

test('rules apply by capability, architecture and kernel', () => {
  assert.deepEqual(allowed(rule('a'), { name: 'old', action: 'SCMP_ACT_ALLOW' }), ['a', 'old']);
  assert.deepEqual(allowed(rule('a', { includes: { caps: ['CAP_SYS_CHROOT'] } })), ['a']);
  assert.deepEqual(allowed(rule('a', { includes: { caps: ['CAP_SYS_CHROOT', 'CAP_BPF'] } })), []);
  assert.deepEqual(allowed(rule('a', { excludes: { caps: ['CAP_SYS_CHROOT'] } })), []);
  assert.deepEqual(
    allowed(rule('a', { includes: { arches: ['amd64'] } }), rule('b', { includes: { arches: ['arm'] } })),
    ['a'],
  );
  assert.deepEqual(allowed(rule('a', { excludes: { arches: ['amd64'] } })), []);
  assert.deepEqual(
    allowed(rule('a', { includes: { minKernel: '6.1' } }), rule('b', { includes: { minKernel: '6.2' } })),
    ['a'],
  );
  assert.deepEqual(allowed(rule('a', { includes: {}, excludes: null })), ['a']);
});

test('what is no profile is refused, with its field', () => {
  for (const [json, field] of [
    [[], /the profile/],
    [{}, /defaultAction/],
    [{ defaultAction: 'x', syscalls: {} }, /syscalls/],
    [{ defaultAction: 'x', syscalls: [1] }, /syscalls\[0\]/],
    [{ defaultAction: 'x', syscalls: [rule('a', { includes: { caps: 'x' } })] }, /includes\.caps/],
    [{ defaultAction: 'x', syscalls: [rule('a', { includes: { minKernel: 6 } })] }, /minKernel/],
    [{ defaultAction: 'x', syscalls: [{ action: 'x' }] }, /names/],
  ] as const) {
    assert.throws(
      () => applySeccompTemplate(json, place),
      (error: Error) => field.test(error.message),
      JSON.stringify(json),
    );
  }
});
