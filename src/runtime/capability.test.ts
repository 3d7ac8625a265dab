import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import {
  allCapabilities,
  capabilityNamesOf,
  capabilitySet,
  containerCapabilities,
  defaultCapabilities,
} from './capability.ts';

type Request = Parameters<typeof containerCapabilities>[0];
const none: Request = { add: [], drop: [], privileged: false };

test('numbers are those of <linux/capability.h>', () => {
  const header = readFileSync('/usr/include/linux/capability.h', 'utf8');
  const defined = [...header.matchAll(/^#define (CAP_[A-Z_]+)\s+(\d+)\s*$/gm)];
  assert.ok(defined.length > 30);
  for (const [, name, number] of defined) assert.equal(allCapabilities[Number(number)], name);
});

test('the default set is the one of Docker, CapBnd 00000000a80425fb', () => {
  assert.equal(capabilitySet(containerCapabilities(none)), 0xa80425fbn);
  assert.equal(defaultCapabilities.length, 14);
});

test('names and bits are inverse to each other', () => {
  assert.deepEqual(capabilityNamesOf(capabilitySet(allCapabilities)), [...allCapabilities]);
  for (const name of allCapabilities) assert.deepEqual(capabilityNamesOf(capabilitySet([name])), [name]);
});

const cases: [string, Partial<Request>, bigint][] = [
  ['any case, with or without CAP_', { add: ['net_admin', 'Cap_Sys_Time'] }, 0xa80425fbn | (1n << 12n) | (1n << 25n)],
  ['a drop takes away', { drop: ['KILL'] }, 0xa80425fbn & ~(1n << 5n)],
  ['dropping ALL leaves what is added', { drop: ['all'], add: ['CHOWN'] }, 1n],
  ['dropping ALL alone leaves nothing', { drop: ['ALL'] }, 0n],
  ['adding ALL starts from all', { add: ['ALL'], drop: ['CHOWN'] }, (1n << 41n) - 2n],
  ['adding wins over dropping the same name', { add: ['KILL'], drop: ['KILL'] }, 0xa80425fbn],
  ['privileged is all', { privileged: true }, (1n << 41n) - 1n],
  ['a drop holds against privileged', { privileged: true, drop: ['SYS_ADMIN'] }, ((1n << 41n) - 1n) & ~(1n << 21n)],
  ['dropping ALL holds against privileged', { privileged: true, drop: ['ALL'], add: ['KILL'] }, 1n << 5n],
];
for (const [what, request, expected] of cases) {
  test(what, () => assert.equal(capabilitySet(containerCapabilities({ ...none, ...request })), expected));
}

test('an unknown name is refused', () => {
  for (const request of [{ add: ['NET_ADMINN'] }, { drop: [''] }, { add: ['CAP_CAP_CHOWN'] }]) {
    assert.throws(
      () => containerCapabilities({ ...none, ...request }),
      (error) => error instanceof OnggiError && error.code === 'invalid',
    );
  }
});
