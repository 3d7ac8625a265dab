import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerOptions } from '../types.ts';
import { checkSystemd, runsSystemd, systemdCgroup, systemdCgroupMounts, systemdMounts } from './systemd.ts';

const options: ContainerOptions = { image: 'x' };
const mount = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', 'nosuid'] };

test('a systemd is known by its name, unless told otherwise', () => {
  for (const args of [
    ['/sbin/init'],
    ['/lib/systemd/systemd', '--unit=x'],
    ['systemd'],
    ['/bin/sh', '-c', '/sbin/init'],
  ]) {
    assert.ok(runsSystemd(options, args), args.join(' '));
    assert.ok(!runsSystemd({ ...options, systemd: 'never' }, args));
    assert.ok(!runsSystemd({ ...options, init: true }, args), 'not the first process');
  }
  for (const args of [[], ['init'], ['/bin/init'], ['sh', '/sbin/init'], ['/bin/sh', '-c'], ['systemd-run']]) {
    assert.ok(!runsSystemd(options, args), args.join(' '));
    assert.ok(runsSystemd({ ...options, systemd: 'always' }, args));
  }
  assert.throws(() => checkSystemd({ ...options, systemd: 'always', init: true }), { code: 'invalid' });
  checkSystemd({ ...options, init: true });
});

test('the cgroup that is written in', () => {
  const named = { mountPoint: '/sys/fs/cgroup/systemd', controllers: [], name: 'systemd', options: 'name=systemd' };
  assert.equal(systemdCgroup({ mode: 'unified', legacy: [] }), 'unified');
  assert.equal(systemdCgroup({ mode: 'hybrid', legacy: [named] }), 'named');
  assert.equal(systemdCgroup({ mode: 'legacy', legacy: [{ ...named, name: 'x' }] }), null);
  const warnings: string[] = [];
  const of = (place: 'unified' | 'named' | null, more: Partial<ContainerOptions> = {}) =>
    systemdCgroupMounts(mount, place, { ...options, ...more }, (message) => void warnings.push(message));
  assert.deepEqual(of('unified'), [{ ...mount, options: ['rw', 'nosuid'] }]);
  const again = { destination: '/sys/fs/cgroup/systemd', type: 'none', options: ['remount', 'bind', 'rw'] };
  assert.deepEqual(of('named'), [mount, again]);
  assert.deepEqual(of(null), [mount]);
  assert.match(warnings.join(), /no cgroup hierarchy of systemd/);
  assert.throws(() => of(null, { systemd: 'always' }), { code: 'unsupported' });
});

test('what the user has mounted stays', () => {
  const mounts = systemdMounts(new Set(['/run', '/tmp']), false);
  assert.deepEqual(
    mounts.map(({ destination }) => destination),
    ['/run/lock', '/var/log/journal'],
  );
  assert.ok(mounts.every((mount) => mount.options?.includes('tmpcopyup')));
  for (const each of systemdMounts(new Set(), true)) assert.ok(!each.options?.includes('tmpcopyup'));
});
