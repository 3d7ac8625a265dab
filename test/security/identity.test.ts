/**
 * Class I: who a process is. Numbers that wrap, names that are numbers, account files of the image that are traps; and
 * the exact ids and groups of what is started, by the kernel's own account (/proc/PID/status).
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../harness/program.ts';
import { type Arena, attack, background } from './arena.ts';

/** Ids and groups of the process that prints its own status; nobody is asked but the kernel. */
const status = ['grep', '-E', '^(Uid|Gid|Groups):', '/proc/self/status'];

type Ids = { readonly uid: number; readonly gid: number; readonly groups: readonly number[] };

function idsOf({ status: code, stdout, stderr }: Outcome): Ids {
  assert.equal(code, 0, stderr);
  const numbers = (field: string): number[] =>
    (new RegExp(`^${field}:[ \\t]*(.*)$`, 'm').exec(stdout)?.[1] ?? '').split(/\s+/).filter(Boolean).map(Number);
  const [uid = -1, ...uids] = numbers('Uid');
  const [gid = -1, ...gids] = numbers('Gid');
  // Real, effective, saved and file system id are one.
  assert.deepEqual([uids, gids], [Array(3).fill(uid), Array(3).fill(gid)]);
  return { uid, gid, groups: numbers('Groups').sort((a, b) => a - b) };
}

/** Not started at all. */
function assertRefused({ status: code, stdout }: Outcome, what: string): void {
  assert.notEqual(code, 0, `${what}: ${stdout}`);
  assert.equal(stdout.includes('Uid'), false, `${what}: ${stdout}`);
}

/** What is no id: 2^32 and its neighbours, 2^31, 2^64, signs, other bases, blanks. */
const noIds = ['4294967295', '4294967296', '4294967297', '18446744073709551616', '-1', '+0', '0x0', '0 ', '0\n'];

attack('CVE-2024-40635: an id that wraps around to root', [], async (arena) => {
  const inmate = await background(arena, { args: ['onggi-probe', 'sleep'] });
  for (const id of noIds) {
    for (const user of [`${id}:1000`, `1000:${id}`]) {
      assertRefused(await inmate.exec({ args: status, user }), `exec as "${user}"`);
    }
  }
  await inmate.remove();
  for (const id of ['4294967295', '4294967296', '18446744073709551616', '-1', '-0.5', '1e40']) {
    for (const user of [`${id}:0`, `0:${id}`])
      assertRefused(await arena.run({ args: status, user }), `run as "${user}"`);
  }
});

/** Accounts by which a number would be looked up as a name, or a line read as root's. */
const passwd = [
  'root:x:0:0:root:/root:/bin/sh',
  '1000:x:0:0::/:/bin/sh',
  '1001:x:1001:0::/:/bin/sh',
  'wrapped:x:4294967296:4294967296::/:/bin/sh',
  'negative:x:-1:-1::/:/bin/sh',
  'empty:x:::::',
  'hex:x:0x0:0x0::/:/bin/sh',
  'blank:x: 0:0::/:/bin/sh',
  'short:x:0',
  'app:x:1002:1002::/:/bin/sh',
  '',
].join('\n');
const group = ['root:x:0:1000,1000\n', 'wheel:x:4294967296:app\n', 'bad:x:x:app\n', 'staff:x:50:app\n', '1000:x:0:\n'];

function accounts(root: string): void {
  writeFileSync(join(root, 'etc/passwd'), passwd);
  writeFileSync(join(root, 'etc/group'), group.join(''));
}

attack('CVE-2026-46680: names that are numbers, in the account files of the image', [], async (arena) => {
  await arena.hostile(accounts);
  const inmate = await background(arena, { args: ['onggi-probe', 'sleep'] });
  const cases: readonly (readonly [string, Ids])[] = [
    ['1000:1000', { uid: 1000, gid: 1000, groups: [1000] }],
    ['1:1', { uid: 1, gid: 1, groups: [1] }],
    ['2147483647:2147483647', { uid: 2147483647, gid: 2147483647, groups: [2147483647] }],
    ['0:0', { uid: 0, gid: 0, groups: [0] }],
    ['65534:0', { uid: 65534, gid: 0, groups: [0] }],
  ];
  for (const [user, expected] of cases) {
    for (const outcome of [await arena.run({ args: status, user }), await inmate.exec({ args: status, user })]) {
      // Beyond the ids that an ordinary user's namespace maps there is nobody to become.
      if (/become group \d+: invalid argument/.test(outcome.stderr)) {
        assert.ok(expected.gid > 65535, user);
        assertRefused(outcome, user);
        continue;
      }
      const { uid, gid, groups } = idsOf(outcome);
      // A runtime by runc's command line leaves the list empty where nobody asks for groups.
      assert.deepEqual({ uid, gid }, { uid: expected.uid, gid: expected.gid }, user);
      assert.deepEqual(groups.length === 0 ? expected.groups : groups, expected.groups, user);
    }
  }
  await inmate.remove();
});

/** What the engine looks up; a bundle has numbers alone. */
attack(
  'names, groups and numbers of the image are looked up strictly',
  [],
  async (arena) => {
    await arena.hostile(accounts);
    const found: readonly (readonly [string, Ids])[] = [
      ['1000', { uid: 1000, gid: 0, groups: [0] }],
      ['1001', { uid: 1001, gid: 0, groups: [0] }],
      ['app', { uid: 1002, gid: 1002, groups: [50, 1002] }],
      ['app:staff', { uid: 1002, gid: 50, groups: [50] }],
      ['app:1000', { uid: 1002, gid: 1000, groups: [1000] }],
      ['', { uid: 0, gid: 0, groups: [0] }],
    ];
    const inmate = await background(arena, { args: ['onggi-probe', 'sleep'] });
    for (const [user, expected] of found) {
      assert.deepEqual(idsOf(await arena.run({ args: status, user })), expected, `run as "${user}"`);
      assert.deepEqual(idsOf(await inmate.exec({ args: status, user })), expected, `exec as "${user}"`);
    }
    for (const user of [
      'wrapped',
      'negative',
      'empty',
      'hex',
      'blank',
      'short',
      'app:wheel',
      'app:bad',
      'nobody',
      ...noIds,
    ]) {
      assertRefused(await arena.run({ args: status, user }), `run as "${user}"`);
      assertRefused(await inmate.exec({ args: status, user }), `exec as "${user}"`);
    }
    await inmate.remove();
  },
  'engine',
);

const traps: Readonly<Record<string, (path: string) => void>> = {
  'a pipe that nobody writes to': (path) => void spawnSync('mkfifo', [path]),
  'an endless device': (path) => void spawnSync('mknod', [path, 'c', '1', '5']),
  'a directory': (path) => mkdirSync(path),
  'a link to the endless device': (path) => symlinkSync('/dev/zero', path),
  'a link to the memory of the runtime': (path) => symlinkSync('/proc/self/mem', path),
  'a link to itself': (path) => symlinkSync('passwd', path),
  'a hundred million zeros': (path) => void spawnSync('truncate', ['-s', '100000000', path]),
  'one line without an end': (path) => writeFileSync(path, 'x'.repeat(2 << 20)),
};

/* CVE-2024-9676 of containers/storage: /etc/passwd as a link or a pipe. */
for (const file of ['passwd', 'group'] as const) {
  attack(
    `CVE-2026-47262: /etc/${file} of the image is a trap`,
    [],
    async (arena) => {
      for (const [what, make] of Object.entries(traps)) {
        await arena.hostile((root) => {
          accounts(root);
          rmSync(join(root, 'etc', file));
          make(join(root, 'etc', file));
        });
        const begin = Date.now();
        assertRefused(await arena.run({ args: status, user: file === 'passwd' ? 'app' : 'app:staff' }), what);
        assert.ok(Date.now() - begin < 10_000, `${what}: ${Date.now() - begin} ms`);
      }
    },
    'engine',
  );
}

attack(
  'CVE-2026-47262: a group file without end, and a user in every group',
  [],
  async (arena) => {
    await manyGroups(arena, 200_000);
    assertRefused(await arena.run({ args: status, user: 'app' }), 'more groups than a process can have');
    await manyGroups(arena, 1000);
    const { groups } = idsOf(await arena.run({ args: status, user: 'app' }));
    assert.deepEqual(groups, [1002, ...Array.from({ length: 1000 }, (_, index) => 5000 + index)]);
  },
  'engine',
);

async function manyGroups(arena: Arena, count: number): Promise<void> {
  await arena.hostile((root) => {
    accounts(root);
    const lines = Array.from({ length: count }, (_, index) => `g${index}:x:${5000 + index}:app\n`);
    writeFileSync(join(root, 'etc/group'), lines.join(''));
  });
}
