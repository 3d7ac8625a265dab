/** linux.netDevices: what a container takes with it, and how it is there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Spec } from '../../src/oci/runtime-spec.ts';
import { runtimeTest } from '../harness/runtime-test.ts';

const id = 'onggi-devices';

/** In a network namespace of its own, which stands for the machine: only what is made there can be lost. */
function inside(script: string, ...args: readonly string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('unshare', ['--net', 'busybox', 'sh', '-ec', script, 'sh', ...args], {
    encoding: 'utf8',
  });
  return { status, said: stdout + stderr };
}

function taking(netDevices: unknown, change: (linux: NonNullable<Spec['linux']>) => object = (linux) => linux) {
  return (spec: Spec): Spec => ({
    ...spec,
    linux: { ...change(spec.linux ?? {}), netDevices } as NonNullable<Spec['linux']>,
  });
}

const make = `
  busybox ip link add one type veth
  busybox ip link set one mtu 1400
  busybox ip addr add 10.9.8.7/24 brd + dev one
  [ ! -e /proc/net/if_inet6 ] || busybox ip -6 addr add fd09::7/64 dev one
  busybox ip addr add 10.9.8.8/32 dev one scope link
`;

runtimeTest('network devices are moved with their addresses, renamed and up', [], async (world) => {
  const show = 'busybox ip -o link; busybox ip -o addr';
  const bundle = world.bundle({ args: ['sh', '-c', show], edit: taking({ one: { name: 'ctr%d' }, veth0: {} }) });
  const run = `${make} "$@"`;
  const { status, said } = inside(run, ...world.command, 'run', '-b', bundle, id);
  assert.equal(status, 0, said);
  assert.match(said, /: ctr0(?:@\S+)?: <[^>]*\bUP\b[^>]*> mtu 1400 /);
  assert.match(said, /: veth0(?:@\S+)?: <[^>]*\bUP\b/);
  assert.match(said, / ctr0 +inet 10\.9\.8\.7\/24 brd 10\.9\.8\.255 scope global/);
  if (existsSync('/proc/net/if_inet6')) assert.match(said, / ctr0 +inet6 fd09::7\/64 scope global/);
  // An address of a narrower scope is not for whoever comes from elsewhere.
  assert.doesNotMatch(said, /10\.9\.8\.8/);
});

runtimeTest('network devices that cannot be moved are refused, and nothing is left', [], async (world) => {
  const own = (linux: NonNullable<Spec['linux']>) => ({
    namespaces: linux.namespaces?.filter(({ type }) => type !== 'network'),
  });
  for (const [edit, message] of [
    [taking({ none: {} }), /linux\.netDevices: this machine has no network device "none"/],
    [taking({ one: { name: 'lo' } }), /move network device "one" into the container as "lo": .*(?:EEXIST|exists)/],
    [taking({ lo: {} }), /move network device "lo" into the container/],
    [taking({ one: { name: 'a/b' } }), /linux\.netDevices: "a\/b" is no name of a network device/],
    [taking({ one: { name: '%s' } }), /"%s" is no name of a network device/],
    [taking({ one: {} }, own), /linux\.netDevices: the container has no network namespace/],
  ] as const) {
    const bundle = world.bundle({ args: ['true'], edit });
    const { status, said } = inside(`${make} "$@"`, ...world.command, 'run', '-b', bundle, id);
    assert.notEqual(status, 0, said);
    assert.match(said, message);
    assert.equal((await world.runtime(['state', id])).status, 1, join(world.root, id));
  }
});
