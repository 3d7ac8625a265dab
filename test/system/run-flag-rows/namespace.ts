/** Flags of `run` about namespaces and the network. */
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { World } from '../../harness/system-test.ts';
import { badSwitch, type Row } from './row.ts';

/** It has the machine's own namespace of a kind. */
async function isOfMachine(kind: string, pid: number): Promise<void> {
  assert.equal(readlinkSync(`/proc/${pid}/ns/${kind}`), readlinkSync(`/proc/self/ns/${kind}`));
}

export const namespaceRows: readonly Row[] = [
  {
    flag: 'add-host',
    words: ['--add-host', 'db.example:10.1.2.3'],
    inside: 'grep db.example /etc/hosts',
    shows: /^10\.1\.2\.3\s+db\.example$/,
    bad: [['--add-host', 'no-address'], /no-address/],
  },
  {
    flag: 'cgroupns',
    container: 'machine',
    words: ['--cgroupns', 'host'],
    outside: async (_, { pid }) => await isOfMachine('cgroup', pid),
    bad: [['--cgroupns', 'mine'], /invalid cgroup namespace: 'mine'/],
  },
  {
    flag: 'dns',
    words: ['--dns', '10.9.8.7'],
    inside: 'cat /etc/resolv.conf',
    shows: /^nameserver 10\.9\.8\.7$/m,
    bad: [['--dns', 'name.example'], /name\.example/],
  },
  {
    flag: 'dns-option',
    words: ['--dns-option', 'ndots:7'],
    inside: 'cat /etc/resolv.conf',
    shows: /^options ndots:7$/m,
    bad: [['--dns-option', 'a b'], /a b/],
  },
  {
    flag: 'dns-search',
    words: ['--dns-search', 'corp.example'],
    inside: 'cat /etc/resolv.conf',
    shows: /^search corp\.example$/m,
    bad: [['--dns-search', 'a b'], /a b/],
  },
  {
    flag: 'domainname',
    words: ['--domainname', 'nis.example'],
    inside: 'cat /proc/sys/kernel/domainname',
    shows: /^nis\.example$/,
    bad: [['--domainname', 'a b'], /domainname "a b": it has a blank/],
  },
  {
    flag: 'expose',
    container: 'bridge',
    needs: ['bridge', 'veth', 'nf_tables'],
    words: ['--expose', '81', '--expose', '90-91/udp'],
    outside: async (world, { id }) => {
      const exposed = await world.ok(['inspect', '-f', '{{range $p, $_ := .Config.ExposedPorts}}{{$p}} {{end}}', id]);
      assert.match(exposed, /81\/tcp 90\/udp 91\/udp/);
    },
    bad: [['--expose', '80:80'], /invalid port format for --expose: 80:80/],
  },
  {
    flag: 'hostname',
    words: ['-h', 'rowhost'],
    inside: 'hostname',
    shows: /^rowhost$/,
    bad: [['-h', 'a b'], /hostname "a b": it has a blank/],
  },
  {
    flag: 'ip',
    refused: ['--ip', '10.0.0.9'],
    says: /user specified IP address is supported on user defined networks/,
  },
  {
    flag: 'ip6',
    refused: ['--ip6', 'fd00::9'],
    says: /user specified IP address is supported on user defined networks/,
  },
  {
    flag: 'ipc',
    container: 'machine',
    words: ['--ipc', 'host'],
    outside: async (_, { pid }) => await isOfMachine('ipc', pid),
    bad: [['--ipc', 'mine'], /mine/],
  },
  {
    flag: 'link',
    tried: async (world) => {
      const says = await world.onggi(['create', '--network', 'bridge', '--link', 'nowhere', world.image, 'true']);
      assert.match(says.stderr, /No such container: nowhere/);
    },
    bad: [['--network', 'container:nowhere', '--link', 'a:b'], /container type network can't be used with links/],
  },
  {
    flag: 'link-local-ip',
    container: 'bridge',
    words: ['--link-local-ip', '169.254.0.9', '--link-local-ip', 'fe80::9'],
    inside: 'ip addr show eth0; ping -c 1 -W 5 fe80::9%eth0 | grep -c "0% packet loss"',
    shows: /inet 169\.254\.0\.9\/16 [\s\S]*inet6 fe80::9\/64 scope link[\s\S]*\n1$/,
    bad: [['--link-local-ip', '10.0.0.9'], /invalid link-local IP address: 10\.0\.0\.9/],
  },
  {
    flag: 'mac-address',
    tried: async (world) => {
      const words = ['run', '--rm', '--network', 'bridge', '--mac-address', '02-00-00-00-0A-09', world.image];
      const look =
        'cat /sys/class/net/eth0/address; ping -c 1 -W 5 "$(ip route | sed -n "s/^default via //;s/ .*//p")"';
      assert.match(await world.ok([...words, 'sh', '-c', look]), /^02:00:00:00:0a:09\n.* 0% packet loss/s);
      const conflict = await world.onggi([
        'create',
        '--network',
        'host',
        '--mac-address',
        '02:00:00:00:00:09',
        world.image,
      ]);
      assert.match(conflict.stderr, /conflicting options: mac-address and the network mode/);
    },
    bad: [['--mac-address', '03:00:00:00:00:09'], /03:00:00:00:00:09 is not a valid mac address/],
  },
  {
    flag: 'network',
    container: 'machine',
    words: ['--network', 'host'],
    outside: async (_, { pid }) => await isOfMachine('net', pid),
    bad: [['--network', 'nowhere'], /network nowhere not found/],
  },
  {
    flag: 'network-alias',
    refused: ['--network-alias', 'other'],
    says: /network-scoped aliases are only supported for user-defined networks/,
  },
  {
    flag: 'pid',
    container: 'machine',
    words: ['--pid', 'host'],
    outside: async (_, { pid }) => await isOfMachine('pid', pid),
    bad: [['--pid', 'mine'], /mine/],
  },
  {
    flag: 'publish',
    container: 'bridge',
    needs: ['bridge', 'veth', 'nf_tables'],
    words: ['-p', '127.0.0.1:0:80', '-p', '127.0.0.9:28200-28202:70', '-p', '127.0.0.9:28200:71'],
    outside: async (world, { id }) => {
      assert.match(await world.ok(['port', id, '80']), /^127\.0\.0\.1:\d+$/);
      // The first of the range is taken by the other one.
      assert.equal(await world.ok(['port', id, '70']), '127.0.0.9:28201');
      assert.equal(await world.ok(['port', id, '71']), '127.0.0.9:28200');
    },
    bad: [['-p', '80:80:80:80'], /80:80:80:80|invalid IP address/],
  },
  {
    flag: 'publish-all',
    container: 'bridge',
    needs: ['bridge', 'veth', 'nf_tables'],
    words: ['-P'],
    outside: async (world, { id }) => {
      const [, web = ''] = /^81\/tcp -> (\S+)/m.exec(await world.ok(['port', id])) ?? [];
      const answer = await fetch(`http://${web.replace('0.0.0.0', '127.0.0.1')}/`);
      assert.equal(await answer.text(), 'hello from the container\n');
    },
    bad: badSwitch('publish-all'),
  },
  {
    flag: 'sysctl',
    words: ['--sysctl', 'net.ipv4.ip_default_ttl=77'],
    inside: 'cat /proc/sys/net/ipv4/ip_default_ttl',
    shows: /^77$/,
    bad: [['--sysctl', 'nothing'], /sysctl 'nothing' is not of the form NAME=VALUE/],
  },
  {
    flag: 'uts',
    container: 'machine',
    words: ['--uts', 'host'],
    inside: 'hostname',
    shows: new RegExp(`^${hostname()}$`),
    bad: [['--uts', 'host', '-h', 'x'], /conflicting options: hostname and the UTS mode/],
  },
  {
    flag: 'uidmap',
    container: 'mapped',
    words: ['--uidmap', '0:500000:3000'],
    inside: 'cat /proc/self/uid_map',
    shows: /^ +0 +500000 +3000$/,
    bad: [['--uidmap', '0'], /'0' is not of the form CONTAINER-ID:HOST-ID:SIZE/],
  },
  {
    flag: 'gidmap',
    container: 'mapped',
    words: ['--gidmap', '0:600000:3000'],
    inside: 'cat /proc/self/gid_map',
    shows: /^ +0 +600000 +3000$/,
    bad: [['--gidmap', 'x:1:1'], /'x:1:1' is not of the form/],
  },
  {
    flag: 'userns',
    container: 'machine',
    words: ['--userns', 'host'],
    outside: async (_, { pid }) => await isOfMachine('user', pid),
    bad: [['--userns', 'mine'], /invalid USER mode: 'mine'/],
  },
  {
    flag: 'subuidname',
    tried: async (world) => await saysOfSubordinates(world, ['--subuidname', 'no-such-owner']),
    bad: [['--subuidname', 'x', '--uidmap', '0:1:1'], /--uidmap or --gidmap and names of ranges/],
  },
  {
    flag: 'subgidname',
    tried: async (world) => await saysOfSubordinates(world, ['--subgidname', 'no-such-owner']),
    bad: [['--subgidname', 'x', '--userns', 'auto'], /--userns and maps of ids/],
  },
];

/** What it does with ranges that are there is seen in ../userns.test.ts. */
async function saysOfSubordinates(world: World, words: readonly string[]): Promise<void> {
  const { stderr } = await world.onggi(['run', ...words, world.image, 'true']);
  assert.match(stderr, /no ids for "no-such-owner" in \/etc\/subuid/);
}
