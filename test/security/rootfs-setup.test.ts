/**
 * Class D: links in the image or in a shared volume, and directories that become links while the root file system is
 * being set up. The attacker wins when anything outside of the root is mounted, made, changed or removed.
 */
import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type Arena, attack, type Wish } from './arena.ts';
import { race } from './race.ts';

/** Rounds of a race. With its defence taken out, each race below is lost within them (`make test-weakened`). */
const rounds = 8;

function directory(arena: Arena, name: string): string {
  const path = join(arena.scratch, name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** A directory of the host with some of the names that a runtime touches. */
function victimIn(arena: Arena): string {
  const victim = directory(arena, 'victim');
  for (const name of ['ptmx', 'hosts', 'resolv.conf', 'passwd']) writeFileSync(join(victim, name), 'HOST\n');
  for (const name of ['pts', 'shm', 'fs']) mkdirSync(join(victim, name));
  return victim;
}

/** Every name below, with its kind and content; links are not followed. */
function contentOf(path: string): string[] {
  return readdirSync(path)
    .sort()
    .flatMap((name) => {
      const at = join(path, name);
      const status = lstatSync(at);
      const content = status.isFile() ? readFileSync(at, 'utf8') : '';
      return [`${at} ${status.mode} ${content}`, ...(status.isDirectory() ? contentOf(at) : [])];
    });
}

/** Absolute, and relative in the two ways that lead there from `from` on the host or from the root of a container. */
function waysTo(victim: string, from: string): string[] {
  return [victim, relative(dirname(from), victim), `../../../../../../../../../..${victim}`];
}

/** Places of the image that a runtime mounts on, makes or reads; those of one group are links at the same time. */
const places: readonly (readonly string[])[] = [
  ['dev', 'etc', 'tmp/made'],
  ['dev/pts', 'dev/shm', 'dev/mqueue', 'dev/null', 'etc/hosts', 'etc/resolv.conf', 'etc/passwd'],
  ['sys'],
];

attack('CVE-2026-41579: /dev and other places of the image are links to the host', [], async (arena) => {
  const victim = victimIn(arena);
  const own = directory(arena, 'own');
  const before = contentOf(victim);
  for (const group of places) {
    for (const target of waysTo(victim, join(arena.scratch, 'rootfs', group[0] ?? ''))) {
      await arena.hostile((root) => {
        for (const place of group) {
          rmSync(join(root, place), { recursive: true, force: true });
          mkdirSync(dirname(join(root, place)), { recursive: true });
          symlinkSync(target, join(root, place));
        }
      });
      const args = ['cat', '/dev/shm/hosts', '/etc/passwd', '/etc/hosts'];
      const outcome = await arena.run({ args, volumes: [{ source: own, target: '/tmp/made/a/b' }] });
      assert.doesNotMatch(outcome.stdout, /HOST/, `${group} -> ${target}`);
      assert.deepEqual(contentOf(victim), before, `${group} -> ${target}`);
    }
  }
  assert.deepEqual(contentOf(own), []);
});

attack('links that lead in circles or nowhere end in an error or inside', [], async (arena) => {
  const own = directory(arena, 'own');
  await arena.hostile((root) => {
    for (const [name, target] of [
      ['a', 'b'],
      ['b', 'a'],
      ['self', 'self/self'],
      ['up', '../../../..'],
      ['dangling', 'not/there'],
      ['empty', '/'],
    ] as const) {
      symlinkSync(target, join(root, name));
    }
    for (let i = 0; i < 60; i += 1) symlinkSync(i === 59 ? '/tmp' : `deep${i + 1}`, join(root, `deep${i}`));
  });
  for (const target of [
    '/a/x',
    '/self/x',
    '/up/up/tmp/x',
    '/dangling/x',
    '/empty/tmp/y',
    '/deep0/x',
    `/${'n'.repeat(256)}`,
  ]) {
    await arena.run({ args: ['true'], volumes: [{ source: own, target }] });
    assert.deepEqual(contentOf(own), [], target);
  }
});

/*
 * The second mount lands on a directory of the host, in the mount namespace of the container; the third has its
 * source below that directory, and would take what the attacker put there: a link to whatever he wants.
 */
attack('CVE-2021-30465: a mount is led over the source of the next one', [], async (arena) => {
  const shared = directory(arena, 'shared');
  const source = directory(arena, 'source');
  const secret = directory(arena, 'secret');
  const planted = directory(arena, 'planted');
  mkdirSync(join(shared, 'swap'));
  mkdirSync(join(source, 'sub'));
  writeFileSync(join(source, 'sub/word'), 'own\n');
  writeFileSync(join(secret, 'word'), 'SECRET\n');
  symlinkSync(secret, join(planted, 'sub'));
  symlinkSync(source, join(shared, 'evil'));
  const wish: Wish = {
    args: ['cat', '/data/x/y/word'],
    volumes: [
      { source: shared, target: '/vol' },
      { source: planted, target: '/vol/swap' },
      { source: join(source, 'sub'), target: '/data/x/y' },
    ],
  };
  assert.equal((await arena.run(wish)).stdout, 'own\n');
  await race(arena, shared, ['swap', 'evil'], rounds, async (round) => {
    const { status, stdout } = await arena.run(wish);
    assert.ok(status !== 0 || stdout === 'own\n', `round ${round}: ${stdout}`);
    assert.doesNotMatch(stdout, /SECRET/);
  });
});

attack('CVE-2024-45310: mount points are made on the host', [], async (arena) => {
  const victim = victimIn(arena);
  const before = contentOf(victim);
  const [own, file] = [directory(arena, 'own'), join(arena.scratch, 'file')];
  writeFileSync(file, '');
  for (const [index, target] of waysTo(victim, join(arena.scratch, 'shared-0/evil')).entries()) {
    const shared = directory(arena, `shared-${index}`);
    mkdirSync(join(shared, 'swap'));
    symlinkSync(target, join(shared, 'evil'));
    await race(arena, shared, ['swap', 'evil'], rounds / 4, async (round) => {
      // Each mount point that is made is a chance for the attacker.
      const made = Array.from({ length: 20 }, (_, place) => `/vol/swap/new-${round}-${place}`).flatMap((place) => [
        { source: own, target: `${place}/a/b` },
        { source: file, target: `${place}/file` },
      ]);
      const volumes = [{ source: shared, target: '/vol' }, ...made];
      await arena.run({ args: ['true'], volumes, cwd: `/vol/swap/cwd-${round}/a` });
      assert.deepEqual(contentOf(victim), before, `round ${round}`);
    });
  }
});

attack(
  'devices and mount points while /dev of a shared root is exchanged',
  [],
  async (arena) => {
    const shared = await arena.sharedRoot();
    const victim = victimIn(arena);
    const before = contentOf(victim);
    symlinkSync(victim, join(shared, 'evil'));
    await race(arena, shared, ['dev', 'evil'], rounds, async (round) => {
      await arena.run({ args: ['true'], volumes: [{ source: victim, target: '/dev/own', readOnly: true }] });
      assert.deepEqual(contentOf(victim), before, `round ${round}`);
    });
  },
  'bundle',
);
