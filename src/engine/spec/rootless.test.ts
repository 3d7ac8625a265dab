import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Spec } from '../../oci/runtime-spec.ts';
import { rootlessSpec } from './rootless.ts';

const spec: Spec = {
  ociVersion: '1.2.0',
  mounts: [
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'gid=5', 'mode=620'] },
    { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['gid=5'] },
  ],
  linux: {
    namespaces: [{ type: 'mount' }],
    sysctl: { 'net.ipv4.ping_group_range': '0 2147483647', 'net.core.somaxconn': '10' },
  },
};

const self = { containerId: 0, hostId: 1000, size: 1 };
const range = { containerId: 1, hostId: 100_000, size: 65_536 };

test('a user namespace with the maps of the user, and what only knows mapped groups', () => {
  const { linux, mounts, ...rest } = rootlessSpec(spec, { uids: [self, range], gids: [self, range] });
  assert.deepEqual(rest, { ociVersion: '1.2.0' });
  assert.deepEqual(mounts, spec.mounts);
  const maps = [
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100_000, size: 65_536 },
  ];
  assert.deepEqual(linux, {
    namespaces: [{ type: 'mount' }, { type: 'user' }],
    uidMappings: maps,
    gidMappings: maps,
    sysctl: { 'net.ipv4.ping_group_range': '0 65536', 'net.core.somaxconn': '10' },
  });
});

test('with its own id alone, terminals have no group of their own; what the user asks for stays', () => {
  const { linux, mounts } = rootlessSpec(spec, { uids: [self], gids: [self] });
  assert.deepEqual(mounts?.[0]?.options, ['newinstance', 'mode=620']);
  assert.deepEqual(mounts?.[1]?.options, ['gid=5']);
  assert.equal(linux?.sysctl?.['net.ipv4.ping_group_range'], '0 0');
});

test('a range that the user has chosen is passed on', () => {
  const own = { ...spec, linux: { sysctl: { 'net.ipv4.ping_group_range': '1 5' } } };
  const { linux } = rootlessSpec(own, { uids: [self], gids: [self] });
  assert.equal(linux?.sysctl?.['net.ipv4.ping_group_range'], '1 5');
  assert.deepEqual(rootlessSpec({ ociVersion: '1.2.0' }, { uids: [self], gids: [self] }).linux?.sysctl, {});
});
