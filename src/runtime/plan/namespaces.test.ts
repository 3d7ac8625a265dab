import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import type { Unprivileged } from '../../kernel/subordinate-ids.ts';
import type { IdMap, Linux } from '../../oci/runtime-spec.ts';
import { compileIdMaps } from './namespaces.ts';

const helpers = { uid: '/usr/bin/newuidmap', gid: '/usr/bin/newgidmap' };
const user: Unprivileged = { uid: 1000, gid: 100, helpers };

const one = (hostID: number): IdMap[] => [{ containerID: 0, hostID, size: 1 }];
const range: IdMap[] = [...one(1000), { containerID: 1, hostID: 100_000, size: 65_536 }];
const linux = (uidMappings: IdMap[], gidMappings: IdMap[]): Linux => ({
  namespaces: [{ type: 'user' }],
  uidMappings,
  gidMappings,
});

/** Who writes the maps: "-" is this program itself. */
function mappers(given: Linux, unprivileged?: Unprivileged): string {
  const [step] = compileIdMaps(given, unprivileged);
  assert.ok(step?.op === 'id-map');
  return `${step.helpers?.uid ?? '-'} ${step.helpers?.gid ?? '-'} ${step.setgroups ? 'allow' : 'deny'}`;
}

test('root writes every map itself', () => {
  assert.equal(mappers(linux(range, range)), '- - allow');
});

test('an ordinary user maps itself, and others by newuidmap and newgidmap', () => {
  assert.equal(mappers(linux(one(1000), one(100)), user), '- - deny');
  assert.equal(mappers(linux(one(1000), one(100)), { ...user, helpers: null }), '- - deny');
  assert.equal(mappers(linux(range, range), user), `${helpers.uid} ${helpers.gid} allow`);
  assert.equal(mappers(linux(range, one(100)), user), `${helpers.uid} - deny`);
  // Another's id, and one's own with more behind it.
  assert.equal(mappers(linux(one(1001), one(1000)), user), `${helpers.uid} ${helpers.gid} allow`);
});

test('what an ordinary user can not have', () => {
  const refused = (given: Linux, code: string, unprivileged = user): void =>
    assert.throws(
      () => compileIdMaps(given, unprivileged),
      (error) => error instanceof OnggiError && error.code === code && error.hint !== undefined,
    );
  refused({ namespaces: [{ type: 'mount' }] }, 'denied');
  refused(linux(range, one(100)), 'unsupported', { ...user, helpers: null });
  refused({ ...linux(one(1000), one(100)), timeOffsets: { monotonic: { secs: 1, nanosecs: 0 } } }, 'denied');
  // Joining one by path is the kernel's to allow.
  assert.deepEqual(compileIdMaps({ namespaces: [{ type: 'user', path: '/proc/1/ns/user' }] }, user), []);
});
