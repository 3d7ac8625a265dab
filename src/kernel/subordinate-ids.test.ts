import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapOfUser, mappedCount, userName } from './subordinate-ids.ts';

const ada = { name: 'ada', uid: 1000 };
const self = { containerId: 0, hostId: 1000, size: 1 };

test('root is the user itself, the rest are its ranges one behind the other', () => {
  const text = 'bob:50000:10\nada:100000:65536\n\n1000:300000:5\n';
  const map = mapOfUser(text, ada, 1000);
  assert.deepEqual(map, [
    self,
    { containerId: 1, hostId: 100_000, size: 65_536 },
    { containerId: 65_537, hostId: 300_000, size: 5 },
  ]);
  assert.equal(mappedCount(map), 65_542);
  // Groups are granted to users, too.
  assert.equal(mapOfUser(text, ada, 100)[0]?.hostId, 100);
});

test('nothing is granted by what is no line for this user', () => {
  for (const line of [
    '',
    'ada',
    'ada:1',
    'adam:1:1',
    ':1:1',
    'ada:-1:5',
    'ada:1x:5',
    'ada:5:0',
    'ada:0x10:1',
    'ada: 5:1',
    'ada:4294967290:10',
    'ada:4294967295:1',
    'ada:99999999999:1',
    'undefined:1:1',
  ]) {
    assert.deepEqual(mapOfUser(line, ada, 1000), [self], line);
  }
  assert.deepEqual(mapOfUser(':1:1\n', { name: undefined, uid: 1000 }, 1000), [self]);
});

test('a user has the name of its line in passwd', () => {
  const passwd = 'root:x:0:0::/root:/bin/sh\n\nada:x:1000:100::/home/ada:/bin/sh\nbob:x:10000:100::/:/bin/sh\n';
  assert.equal(userName(passwd, 1000), 'ada');
  assert.equal(userName(passwd, 100), undefined);
});

test('no more lines than the kernel takes', () => {
  const text = Array.from({ length: 1000 }, (_, i) => `ada:${100_000 + i * 10}:10`).join('\n');
  assert.equal(mapOfUser(text, ada, 1000).length, 340);
});
