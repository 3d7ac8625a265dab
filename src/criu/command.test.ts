import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkRestorable,
  type DumpOptions,
  dumpArguments,
  externalMounts,
  lastErrors,
  maskedFiles,
  parsePageServer,
  restoreArguments,
} from './command.ts';

const options: DumpOptions = {
  images: '/i',
  work: '/w',
  tcpEstablished: false,
  externalUnixSockets: false,
  shellJob: false,
  fileLocks: false,
  cgroups: 'soft',
  emptyNetwork: false,
  autoDedup: false,
  lazyPages: false,
  leaveRunning: false,
  preDump: false,
  parent: null,
  pageServer: null,
  statusFd: null,
};
const none = { mounts: [], network: null };

test("a dump names the tree, the images and what is the host's", () => {
  const external = { mounts: [{ target: '/data', source: '/srv/data' }], network: 4026531840n };
  assert.equal(
    dumpArguments(7, '/b/rootfs', external, options).join(' '),
    'dump --tree 7 --root /b/rootfs --log-file dump.log --images-dir /i --work-dir /w -v4 --manage-cgroups=soft ' +
      '--external mnt[/data]:/data --external net[4026531840]:extRootNetNS',
  );
});

test('each flag of a dump has its word', () => {
  const all: DumpOptions = {
    ...options,
    ...{ tcpEstablished: true, externalUnixSockets: true, shellJob: true, fileLocks: true, emptyNetwork: true },
    ...{ autoDedup: true, leaveRunning: true, parent: '../pre', statusFd: 3 },
    ...{ cgroups: 'strict', pageServer: { address: '::1', port: 9 } },
  };
  const words = dumpArguments(7, '/r', none, all).slice(7).join(' ');
  assert.equal(
    words,
    '--images-dir /i --work-dir /w -v4 --manage-cgroups=strict --tcp-established --ext-unix-sk --shell-job ' +
      '--file-locks --empty-ns net --auto-dedup --leave-running --track-mem --prev-images-dir ../pre ' +
      '--page-server --address ::1 --port 9 --status-fd 3',
  );
  // With lazy pages criu is no client of a page server, it is one.
  const lazy = dumpArguments(7, '/r', none, { ...options, lazyPages: true, pageServer: { address: '::1', port: 9 } });
  assert.match(lazy.join(' '), / --lazy-pages --address ::1 --port 9$/);
  const pre = dumpArguments(7, '/r', none, { ...options, preDump: true, leaveRunning: true });
  assert.equal(pre[0], 'pre-dump');
  assert.equal(pre.includes('--leave-running'), false);
});

test('a restore gets the pipes of its stdio, the binds of this config and the network namespace', () => {
  const place = {
    rootfs: '/r',
    pidFile: '/s/pid',
    descriptors: ['/dev/null', 'pipe:[5]', 'pipe:[6]'],
    networkFd: 3,
    cgroupRoots: ['cpu:/x', '/y'],
  };
  const external = { mounts: [{ target: '/data', source: '/new' }], network: null };
  const found = restoreArguments(place, external, { ...options, lsmProfile: 'apparmor:x', lsmMountContext: null });
  assert.equal(
    found.join(' '),
    'restore --restore-detached --restore-sibling --pidfile /s/pid --root /r --log-file restore.log ' +
      '--images-dir /i --work-dir /w -v4 --manage-cgroups=soft --cgroup-root cpu:/x --cgroup-root /y --lsm-profile apparmor:x --external mnt[/data]:/new ' +
      '--inherit-fd fd[1]:pipe:[5] --inherit-fd fd[2]:pipe:[6] --inherit-fd fd[3]:extRootNetNS',
  );
});

test('masks of files are told from those of directories by what lies there', () => {
  const mountInfo = [
    '40 39 0:5 / /proc rw - proc proc rw',
    '41 40 0:6 /null /proc/kcore rw,nosuid - tmpfs tmpfs rw',
    '42 40 0:7 / /proc/acpi ro - tmpfs tmpfs ro',
    '43 40 0:6 /null /proc/a\\040b rw - tmpfs tmpfs rw',
    '',
  ].join('\n');
  const masked = ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/a b'];
  assert.deepEqual(maskedFiles(mountInfo, masked), ['/proc/kcore', '/proc/a b']);
});

test('binds are external, by type and by option', () => {
  const mounts = [
    { destination: '/a/', type: 'bind', source: '/1' },
    { destination: '/b', options: ['rbind', 'ro'], source: '/2' },
    { destination: '/proc', type: 'proc', source: 'proc' },
  ];
  assert.deepEqual(externalMounts({ ociVersion: '1.0.0', mounts }, ['/proc/kcore']), [
    { target: '/a', source: '/1' },
    { target: '/b', source: '/2' },
    { target: '/proc/kcore', source: '/dev/null' },
  ]);
});

test('what can not be brought back is refused by name', () => {
  const process = { user: { uid: 0, gid: 0 }, cwd: '/', terminal: true };
  assert.throws(() => checkRestorable({ ociVersion: '1.0.0', process }), /terminal/);
  const linux = { namespaces: [{ type: 'pid', path: '/proc/1/ns/pid' }] } as const;
  assert.throws(() => checkRestorable({ ociVersion: '1.0.0', linux }), /joins the pid namespace/);
  const hooks = { createRuntime: [{ path: '/bin/true' }] };
  assert.throws(() => checkRestorable({ ociVersion: '1.0.0', hooks }), /hooks of kind "createRuntime"/);
  const network = { namespaces: [{ type: 'network', path: '/run/netns/a' }] } as const;
  checkRestorable({ ociVersion: '1.0.0', linux: network });
});

test('of a log the last errors are told', () => {
  const log =
    '(00.1) ok\n(00.2) Error (criu/net.c:1): first\n(00.3) Warn (x): y\n(00.4) Error (criu/cr-dump.c:2): Dumping FAILED.\n';
  assert.equal(lastErrors(log), 'Error (criu/net.c:1): first; Error (criu/cr-dump.c:2): Dumping FAILED.');
});

test('page servers: host and port, IPv6 in brackets', () => {
  assert.deepEqual(parsePageServer('10.0.0.1:27'), { address: '10.0.0.1', port: 27 });
  assert.deepEqual(parsePageServer('[::1]:65535'), { address: '::1', port: 65_535 });
  for (const bad of ['a', 'a:0', 'a:65536', '::1:5', ':5', 'a:b']) {
    assert.throws(() => parsePageServer(bad), /not ADDRESS:PORT/, bad);
  }
});
