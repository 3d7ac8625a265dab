import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyOptions, newLabels, parseContexts, policyName, sharedLabel } from './label.ts';

const contexts = { process: 'system_u:system_r:container_t:s0', file: 'system_u:object_r:container_file_t:s0' };

function sequence(...numbers: number[]): () => number {
  let at = 0;
  return () => numbers[at++ % numbers.length] ?? 0;
}

test('what the policy says', () => {
  const text = 'process = "a:b:c:s0"\n# no\nfile = "a:object_r:d:s0"\nsandbox_kvm_process = "x"\n';
  assert.deepEqual(parseContexts(text), { process: 'a:b:c:s0', file: 'a:object_r:d:s0' });
  assert.equal(parseContexts('process = "a:b:c:s0"'), undefined);
  assert.equal(policyName('# SELINUXTYPE=no\nSELINUX=enforcing\nSELINUXTYPE=targeted\n'), 'targeted');
  assert.equal(policyName('SELINUXTYPE=..\n'), undefined);
});

test('each container has a pair of categories of its own, in order', () => {
  const first = newLabels(contexts, [], sequence(700, 5));
  assert.deepEqual(first, {
    process: 'system_u:system_r:container_t:s0:c5,c700',
    mount: 'system_u:object_r:container_file_t:s0:c5,c700',
  });
  // The same pair, twice the same category, then one that is free.
  assert.match(newLabels(contexts, [first], sequence(5, 700, 9, 9, 8, 7)).process, /:s0:c7,c8$/);
  assert.throws(() => newLabels(contexts, [first], sequence(5, 700)), /no pair of categories is left/);
  assert.throws(() => newLabels({ ...contexts, file: 'odd' }, [], sequence(1, 2)), /"odd" is not of the form/);
});

test('label options', () => {
  const own = newLabels(contexts, [], sequence(1, 2));
  assert.deepEqual(applyOptions(own, { type: 'spc_t', level: 's0:c9,c8', user: 'staff_u', role: 'staff_r' }), {
    process: 'staff_u:staff_r:spc_t:s0:c9,c8',
    mount: 'staff_u:object_r:container_file_t:s0:c9,c8',
  });
  assert.deepEqual(applyOptions(own, { filetype: 'usr_t' }), { ...own, mount: 'system_u:object_r:usr_t:s0:c1,c2' });
  assert.deepEqual(applyOptions(own, { disable: true }), { ...own, process: '' });
  assert.equal(sharedLabel(own.mount), 'system_u:object_r:container_file_t:s0');
});
