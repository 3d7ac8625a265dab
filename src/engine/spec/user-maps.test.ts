import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepIdMaps, noMaps, ownMaps, subordinateRanges } from './user-maps.ts';

/** As `mapsOf` gives them: two ranges. */
const ids = [
  { containerId: 0, hostId: 1000, size: 1 },
  { containerId: 1, hostId: 100_000, size: 500 },
  { containerId: 501, hostId: 300_000, size: 1500 },
];
const own = { uids: ids, gids: ids };
const bare = { uids: ids.slice(0, 1), gids: ids.slice(0, 1) };

function words(lines: readonly { containerId: number; hostId: number; size: number }[]): string {
  return lines.map(({ containerId, hostId, size }) => `${containerId} ${hostId} ${size}`).join(', ');
}

test('keep-id: the user is itself, with its other ids around', () => {
  const { uids, gids } = keepIdMaps(own, { uid: 1000, gid: 100 });
  assert.equal(words(uids), '0 100000 500, 500 300000 500, 1000 1000 1, 1001 300500 1000');
  assert.equal(words(gids), '0 100000 100, 100 1000 1, 101 100100 400, 501 300000 1500');
  // Beyond what there is, and root.
  assert.equal(words(keepIdMaps(own, { uid: 5000, gid: 0 }).uids), '0 100000 500, 500 300000 1500, 5000 1000 1');
  assert.equal(words(keepIdMaps(own, { uid: 5000, gid: 0 }).gids), '0 1000 1, 1 100000 500, 501 300000 1500');
  assert.throws(() => keepIdMaps(bare, { uid: 1000, gid: 1000 }), /no ids in \/etc\/subuid/);
  assert.equal(words(keepIdMaps(bare, { uid: 0, gid: 0 }).uids), '0 1000 1');
});

test('nomap: the user is nobody', () => {
  assert.equal(words(noMaps(own).uids), '0 100000 500, 500 300000 1500');
  assert.throws(() => noMaps(bare), /no ids/);
});

test('--uidmap: ids among those of the user', () => {
  const { uids } = ownMaps(own, { uids: [{ containerId: 0, hostId: 400, size: 200 }], gids: [] });
  assert.equal(words(uids), '0 100399 101, 101 300000 99');
  assert.throws(
    () => ownMaps(own, { uids: [{ containerId: 0, hostId: 1900, size: 200 }], gids: [] }),
    /id 2001 is none/,
  );
  assert.deepEqual(subordinateRanges(ids, 'uid'), [
    { first: 100_000, size: 500 },
    { first: 300_000, size: 1500 },
  ]);
});
