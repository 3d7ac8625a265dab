import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRestorable, externalMounts, maskedFiles } from './external.ts';

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

test('so are devices in a user namespace, where nobody makes any', () => {
  const linux = {
    namespaces: [{ type: 'user' }],
    devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229 }],
  } as const;
  const found = externalMounts({ ociVersion: '1.0.0', linux }, []);
  assert.deepEqual(found.at(-1), { target: '/dev/fuse', source: '/dev/fuse' });
  assert.ok(found.some(({ target }) => target === '/dev/null'));
  const mounts = [{ destination: '/dev', type: 'bind', source: '/dev' }];
  assert.equal(externalMounts({ ociVersion: '1.0.0', linux, mounts }, []).length, 1);
});

test('what can not be brought back is refused by name', () => {
  const linux = { namespaces: [{ type: 'pid', path: '/proc/1/ns/pid' }] } as const;
  assert.throws(() => checkRestorable({ ociVersion: '1.0.0', linux }), /joins the pid namespace/);
  const hooks = { createRuntime: [{ path: '/bin/true' }] };
  assert.throws(() => checkRestorable({ ociVersion: '1.0.0', hooks }), /hooks of kind "createRuntime"/);
  const network = { namespaces: [{ type: 'network', path: '/run/netns/a' }] } as const;
  checkRestorable({ ociVersion: '1.0.0', linux: network });
});
