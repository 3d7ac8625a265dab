import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VolumeMount } from '../types.ts';
import { checkVolumeOptions, parseVolumeName, resolveMounts, sharedMounts, volumeMount } from './volume-mount.ts';

const bind = { type: 'bind', source: '/s', target: '/b', readOnly: false, propagation: 'rprivate' } as const;
const volume: VolumeMount = { type: 'volume', name: 'data', target: '/d', readOnly: false, copy: true };

function counter(): () => string {
  let count = 0;
  return () => `new${++count}`;
}

test('mounts that are asked for come before those of others, those before the image’s', () => {
  const other: VolumeMount = { ...volume, name: 'other', target: '/b/' };
  const { mounts, volumes } = resolveMounts(
    { mounts: [bind, volume] },
    [other, { ...other, target: '/o' }],
    ['/d', '/i'],
    counter(),
  );
  assert.deepEqual(
    mounts.map((mount) => [mount.target, mount.type === 'volume' ? mount.name : mount.type]),
    [
      ['/b', 'bind'],
      ['/d', 'data'],
      ['/o', 'other'],
      ['/i', 'new1'],
    ],
  );
  assert.deepEqual(
    volumes.map(({ mount, anonymous }) => [mount.name, anonymous]),
    [
      ['data', false],
      ['other', false],
      ['new1', true],
    ],
  );
});

test('of several others on one place the last one counts, and volumes without a name are where nothing else is', () => {
  const [first, last] = [
    { ...volume, name: 'first' },
    { ...volume, name: 'last', target: '/d/' },
  ];
  const { mounts } = resolveMounts(
    { mounts: [bind], volumes: ['/b', '/d', '/own'] },
    [first, last],
    ['/own/', '/image'],
    counter(),
  );
  assert.deepEqual(
    mounts.map((mount) => [mount.target, mount.type === 'volume' ? mount.name : mount.type]),
    [
      ['/b', 'bind'],
      ['/d/', 'last'],
      ['/own', 'new1'],
      ['/image', 'new2'],
    ],
  );
});

test('an image gets volumes on its own directories only', () => {
  const hostile = [
    '/',
    '/proc',
    '/proc/self',
    '/sys/fs',
    '/dev',
    '/../dev/shm',
    '//',
    'relative',
    '/./proc/',
    '/devil',
    '/a/../b',
  ];
  const { mounts } = resolveMounts({}, [], hostile, counter());
  assert.deepEqual(
    mounts.map(({ target }) => target),
    ['/devil', '/b'],
  );
});

test('an image gets a limited number of volumes', () => {
  const many = Array.from({ length: 129 }, (_, index) => `/v${index}`);
  assert.throws(() => resolveMounts({}, [], many, counter()), { code: 'invalid' });
  assert.equal(resolveMounts({}, [], many.slice(1), counter()).volumes.length, 128);
});

test('names and options of volumes', () => {
  assert.equal(parseVolumeName('a.b_c-9'), 'a.b_c-9');
  for (const name of ['', 'a', '../x', 'a/b', '.a', 'x'.repeat(256)]) {
    assert.throws(() => parseVolumeName(name), { code: 'invalid' }, name);
  }
  checkVolumeOptions({});
  checkVolumeOptions({ type: 'tmpfs', device: 'tmpfs', o: 'size=1m' });
  for (const options of [{ size: '1' }, { type: 'nfs' }, { o: 'ro' }]) {
    assert.throws(() => checkVolumeOptions(options as Record<string, string>), { code: 'invalid' });
  }
  assert.throws(() => resolveMounts({ mounts: [{ ...volume, options: { x: '' } }] }, [], [], counter()), {
    code: 'invalid',
  });
});

test('a volume is a bind of its directory, or what its options mount', () => {
  const mounted = (options: Record<string, string>, more: Partial<VolumeMount> = {}) =>
    volumeMount({ ...volume, ...more }, '/d', { path: '/v/_data', options });
  const directory = { destination: '/d', type: 'bind', source: '/v/_data' };
  assert.deepEqual(mounted({}), { ...directory, options: ['rbind', 'rprivate'] });
  assert.deepEqual(mounted({}, { readOnly: true }), { ...directory, options: ['rbind', 'ro', 'rprivate'] });
  const nfs = { type: 'nfs', device: ':/x', o: 'addr=10.0.0.1,soft' };
  assert.deepEqual(mounted(nfs, { readOnly: true }), {
    destination: '/d',
    type: 'nfs',
    source: ':/x',
    options: ['addr=10.0.0.1', 'soft', 'ro'],
  });
  assert.deepEqual(mounted({ type: 'none', device: '/x', o: 'bind' }), {
    destination: '/d',
    type: 'bind',
    source: '/x',
    options: ['rbind', 'bind'],
  });
  assert.throws(() => mounted(nfs, { subpath: 'x' }), { code: 'unsupported' });
});

test('another container gives its binds and volumes, as it has them or as is asked', () => {
  const options = { image: 'x', mounts: [bind, { type: 'tmpfs', target: '/t', options: '' } as const, volume] };
  assert.deepEqual(sharedMounts(options, null), [bind, volume]);
  assert.deepEqual(
    sharedMounts(options, true).map(({ type, target, ...rest }) => 'readOnly' in rest && rest.readOnly),
    [true, true],
  );
});
