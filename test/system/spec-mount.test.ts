/** What the mounts of config.json come to, seen from inside. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { Linux, Mount } from '../../src/oci/runtime-spec.ts';
import { defaultMounts } from '../../src/runtime/defaults.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { runSpec } from './spec-container.ts';

const needs = requires('root', 'busybox');

type Options = { readonly linux?: Linux; readonly prepare?: (root: string) => void };

async function run(script: string, mounts: readonly Mount[], { linux = {}, prepare }: Options = {}) {
  const spec = { mounts: [...defaultMounts, ...mounts] };
  return await runSpec({ args: ['sh', '-c', script], spec, linux, ...(prepare !== undefined && { prepare }) });
}

async function output(script: string, mounts: readonly Mount[], options?: Options): Promise<string[]> {
  const told = await run(script, mounts, options);
  assert.equal(told.exit.exitCode, 0, inspect([told.stderr, told.events]));
  return told.stdout.trimEnd().split('\n');
}

/** The directory of a test with a mount below it, in a mount namespace of its own that ends with `body`. */
async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  await using scratch = makeScratch();
  const { path } = scratch;
  mkdirSync(join(path, 'sub'));
  writeFileSync(join(path, 'file'), 'content\n');
  await body(path);
}

/** Options of the mounts on these places, without the times that every mount has. */
const optionsOf = (...places: string[]): string =>
  `for p in ${places.join(' ')}; do grep " $p " /proc/self/mountinfo | cut -d " " -f 6 | sed "s/,relatime//"; done`;

test('every word for a bind and for its tree', needs, async () => {
  await inDirectory(async (source) => {
    const bind = (destination: string, ...options: string[]): Mount => ({ destination, type: 'bind', source, options });
    const lines = await output(optionsOf('/a', '/b', '/c', '/d'), [
      bind('/a', 'bind', 'ro', 'nosuid', 'nodev', 'noexec', 'nodiratime', 'nosymfollow'),
      bind('/b', 'rbind', 'rro', 'rnosuid', 'rnoatime'),
      bind('/c', 'rbind', 'ro', 'rnosuid', 'rrw'),
      bind('/d', 'bind', 'ro', 'rw', 'noatime', 'relatime'),
    ]);
    assert.deepEqual(lines, ['ro,nosuid,nodev,noexec,nodiratime,nosymfollow', 'ro,nosuid,noatime', 'rw,nosuid', 'rw']);
  });
});

test('a tmpfs begins with what it covers, and has its mode', needs, async () => {
  const prepare = (root: string): void => {
    mkdirSync(join(root, 'data/deep'), { recursive: true });
    writeFileSync(join(root, 'data/deep/file'), 'text\n');
    chownSync(join(root, 'data/deep/file'), 7, 8);
    chmodSync(join(root, 'data/deep/file'), 0o4711);
    symlinkSync('/etc/passwd', join(root, 'data/link'));
    spawnSync('mkfifo', [join(root, 'data/pipe')]);
    // A hole of eight mebibytes, which would be memory.
    writeFileSync(join(root, 'data/sparse'), '');
    truncateSync(join(root, 'data/sparse'), (8 << 20) - 4);
    appendFileSync(join(root, 'data/sparse'), 'end\n');
    chmodSync(join(root, 'data'), 0o1750);
    mkdirSync(join(root, 'plain'), { mode: 0o700 });
  };
  const tmpfs = (destination: string, ...options: string[]): Mount => ({
    destination,
    type: 'tmpfs',
    source: 't',
    options,
  });
  const script =
    'cd /data; stat -c "%A %u:%g %N" . deep deep/file link pipe; cat deep/file; stat -c %s sparse; du -k sparse; tail -c 4 sparse; touch x 2>&1; stat -c %a /plain /new /mode';
  const lines = await output(
    script,
    [tmpfs('/data', 'tmpcopyup', 'ro'), tmpfs('/plain'), tmpfs('/new'), tmpfs('/mode', 'mode=711')],
    { prepare },
  );
  assert.deepEqual(lines, [
    'drwxr-x--T 0:0 .',
    'drwxr-xr-x 0:0 deep',
    '-rws--x--x 7:8 deep/file',
    "lrwxrwxrwx 0:0 'link' -> '/etc/passwd'",
    'prw-r--r-- 0:0 pipe',
    'text',
    '8388608',
    '4\tsparse',
    'end',
    'touch: x: Read-only file system',
    '700',
    '1777',
    '711',
  ]);
});

test('a mount can be changed by a later one', needs, async () => {
  const lines = await output(
    `${optionsOf('/a', '/dev')}; df -k /a | tail -n 1 | tr -s " " | cut -d " " -f 2; ls /dev/null`,
    [
      { destination: '/a', type: 'tmpfs', source: 't', options: ['size=1m'] },
      { destination: '/a', options: ['remount', 'bind', 'ro', 'nosuid'] },
      { destination: '/a', options: ['remount', 'size=2m'] },
      { destination: '/dev', type: 'tmpfs', source: 'dev', options: ['ro', 'nosuid'] },
    ],
  );
  assert.deepEqual(lines, ['ro,nosuid', 'rw,nosuid', 'ro,nosuid', '2048', '/dev/null']);
  const told = await run('true', [{ destination: '/etc', options: ['remount', 'bind', 'ro'] }]);
  assert.match(
    inspect(told.events),
    /remount \\"\/etc\\": nothing is mounted there|remount "\/etc": nothing is mounted/,
  );
});

test('a relative source is that of the bundle, a file lands on a file that was missing', needs, async () => {
  const prepare = (root: string): void => writeFileSync(join(root, '../told'), 'by the bundle\n');
  const mounts = [{ destination: '/deep/new/file', type: 'bind', source: 'told', options: ['bind'] }];
  assert.deepEqual(await output('cat /deep/new/file', mounts, { prepare }), ['by the bundle']);
});

const maps = (host: number): NonNullable<Mount['uidMappings']> => [{ containerID: 0, hostID: host, size: 65_536 }];

test('ids of a bind are mapped, by given maps', needs, async () => {
  await inDirectory(async (source) => {
    chownSync(join(source, 'file'), 0, 5);
    const mapped = { uidMappings: maps(100_000), gidMappings: maps(200_000) } as const;
    const mount = { destination: '/a', type: 'bind', source, options: ['bind'], ...mapped } as const;
    // What the file system has as 0 shows as the first id of the map.
    assert.deepEqual(await output('stat -c %u:%g /a/file', [mount]), ['100000:200005']);
  });
});

const inUserNamespace: Linux = {
  namespaces: [
    { type: 'user' },
    { type: 'mount' },
    { type: 'pid' },
    { type: 'network' },
    { type: 'uts' },
    { type: 'ipc' },
    { type: 'cgroup' },
  ],
  uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
  gidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
};

test("ids of a bind are mapped, by the container's own maps", needs, async () => {
  await inDirectory(async (source) => {
    chownSync(join(source, 'file'), 3, 4);
    chmodSync(source, 0o777);
    const bind = (destination: string, ...options: string[]): Mount => ({ destination, type: 'bind', source, options });
    const script =
      'stat -c %u:%g /plain/file /own/file; touch /own/new; stat -c %u:%g /own/new /plain/new /ranges/file';
    const ranges = bind('/ranges', 'bind', 'idmap=uids=0-0-1#@3-5-1;gids=@0-0-10');
    const lines = await output(script, [bind('/plain', 'rbind'), bind('/own', 'rbind', 'ridmap'), ranges], {
      linux: inUserNamespace,
      prepare: (root) => {
        chmodSync(join(root, '..'), 0o755);
        for (const name of ['plain', 'own', 'ranges']) mkdirSync(join(root, name));
      },
    });
    assert.deepEqual(lines, ['65534:65534', '3:4', '0:0', '65534:65534', '5:4']);
  });
});

test('a file system that can not map ids is named', needs, async () => {
  const mapped = { uidMappings: maps(100_000), gidMappings: maps(100_000) } as const;
  const told = await run('true', [{ destination: '/a', type: 'bind', source: '/proc', options: ['bind'], ...mapped }]);
  assert.equal(told.exit.exitCode, 125);
  assert.match(inspect(told.events), /map the ids of "\/proc": its file system may not allow it/);
});

test('overlays with more layers than an option, or a page of them, holds, and mounts beneath them', needs, async () => {
  await inDirectory(async (source) => {
    const layers = Array.from({ length: 130 }, (_, index) => join(source, `layer-${index}-${'x'.repeat(60)}`));
    for (const [index, layer] of layers.entries()) {
      mkdirSync(layer);
      writeFileSync(join(layer, `from-${index}`), '');
    }
    mkdirSync(join(layers[0] ?? '', 'below'));
    const lines = await output('ls /o | wc -l; ls /o/below', [
      { destination: '/o', type: 'overlay', source: 'overlay', options: [`lowerdir=${layers.join(':')}`] },
      { destination: '/o/below', type: 'bind', source: join(source, 'sub'), options: ['bind'] },
    ]);
    assert.deepEqual(lines, ['131']);
  });
});
