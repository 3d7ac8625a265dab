import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { loopbackStep, vethSteps } from '../../src/network/veth.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { eventually } from '../harness/program.ts';
import { requires } from '../harness/requires.ts';
import { type Agent, cable, inTown, mapping, network, newContainer, newNamespace, wire } from './network-place.ts';

const needs = requires('root', 'bridge', 'veth', 'nf_tables', 'ip');
// Other tests look for what is left on the machine: our processes are not theirs.
before(lockMachine);

const code = (expected: string) => (error: unknown) => Reflect.get(Object(error), 'code') === expected;

test('a container reaches the world by NAT, its neighbour and the host; the host reaches it', needs, async () => {
  await inTown(async ({ host, outside, a }) => {
    assert.equal(await a.call('dial', 'tcp', '192.0.2.2', 80), 'outside sees 192.0.2.1');
    assert.equal(await a.call('dial', 'udp', '192.0.2.2', 80), 'outside sees 192.0.2.1');
    assert.equal(await a.call('dial', 'tcp', '10.99.0.3', 80), 'b sees 10.99.0.2');
    assert.equal(await a.call('dial', 'tcp', '10.99.0.1', 81), 'host sees 10.99.0.2');
    assert.equal(await a.call('dial', 'tcp', '127.0.0.1', 80), 'a sees 127.0.0.1');
    assert.equal(await host.call('dial', 'tcp', '10.99.0.2', 80), 'a sees 10.99.0.1');
    assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 80), 'ECONNREFUSED');
  });
});

test('the link inside is what was asked for', needs, async () => {
  await inTown(async ({ host, a }) => {
    const links = JSON.parse(a.sh('ip -j -d addr show')) as Record<string, unknown>[];
    assert.deepEqual(
      links.map((link) => link['ifname']),
      ['lo', 'eth0'],
    );
    const eth0 = links[1] ?? {};
    assert.equal(eth0['address'], '02:6f:0a:63:00:02');
    assert.equal(eth0['operstate'], 'UP');
    // No link-local address: only the one that was given.
    const addresses = eth0['addr_info'] as Record<string, unknown>[];
    assert.deepEqual(
      addresses.map(({ local, prefixlen, broadcast }) => [local, prefixlen, broadcast]),
      [['10.99.0.2', 16, '10.99.255.255']],
    );
    const [route] = JSON.parse(a.sh('ip -j route show default')) as Record<string, unknown>[];
    assert.deepEqual([route?.['gateway'], route?.['dev']], ['10.99.0.1', 'eth0']);
    const ports = JSON.parse(host.sh('ip -j -d link show master onggi3')) as Record<string, unknown>[];
    assert.deepEqual(
      ports.map((port) => port['ifalias']),
      ['onggi:id-10.99.0.2', 'onggi:id-10.99.0.3'],
    );
    for (const port of ports) {
      const info = port['linkinfo'] as { info_slave_data: Record<string, unknown> };
      assert.equal(info.info_slave_data['hairpin'], true);
    }
  });
});

test('nobody outside reaches a container but by its ports', needs, async () => {
  await inTown(async ({ host, outside }) => {
    outside.sh('ip route add 10.99.0.0/16 via 192.0.2.1');
    assert.equal(await outside.call('dial', 'tcp', '10.99.0.2', 80), 'timeout');
    // The judge is judged: without the rule it would get through.
    host.sh('nft flush chain ip onggi-onggi3 protect');
    assert.equal(await outside.call('dial', 'tcp', '10.99.0.2', 80), 'a sees 192.0.2.2');
  });
});

test("a container does not reach the host's loopback (CVE-2020-8558)", needs, async () => {
  await inTown(async ({ host, a }) => {
    await host.call('serve', 'tcp', '127.0.0.1', 82, 'loopback');
    // As root in the container: packets for 127.0.0.9 leave by eth0.
    a.sh('sysctl -qw net.ipv4.conf.all.route_localnet=1; ip route del local 127.0.0.0/8 dev lo table local');
    a.sh('ip route add 127.0.0.0/8 via 10.99.0.1');
    host.sh('ip addr add 127.0.0.9/8 dev lo');
    await host.call('serve', 'tcp', '127.0.0.9', 83, 'loopback');
    assert.equal(await a.call('dial', 'tcp', '127.0.0.9', 83), 'timeout');
    host.sh('nft flush chain ip onggi-onggi3 protect');
    assert.equal(await a.call('dial', 'tcp', '127.0.0.9', 83), 'loopback sees 10.99.0.2');
  });
});

test('networks are apart', needs, async () => {
  await inTown(async ({ host, a }) => {
    const second = { ...network, name: 'second', bridge: 'onggi4', subnet: '10.98.0.0/24', gateway: '10.98.0.1' };
    const bridge = await host.call('ensureBridge', second);
    await using c = await newContainer(host, second, bridge, '10.98.0.2');
    await c.call('serve', 'tcp', '0.0.0.0', 80, 'c');
    assert.equal(await a.call('dial', 'tcp', '10.98.0.2', 80), 'timeout');
    assert.equal(await c.call('dial', 'tcp', '10.99.0.2', 80), 'timeout');
    assert.equal(await c.call('dial', 'tcp', '192.0.2.2', 80), 'outside sees 192.0.2.1');
    // By a published port they may meet, as everybody may.
    await host.call('publishPorts', second, 'c-id', '10.98.0.2', [mapping('0.0.0.0', 8080, 80)]);
    assert.equal(await a.call('dial', 'tcp', '192.0.2.1', 8080), 'c sees 10.98.0.1');
  });
});

test('a host that was no router does not become one, but for containers', needs, async () => {
  await inTown(async ({ host, outside, a }) => {
    await using other = await newNamespace();
    // A link that comes later is its maker's business; this one is named as one that was there.
    cable(host, 'up1', other, ['198.51.100.1/24', '198.51.100.2/24']);
    host.sh('nft add element ip onggi-forward links { "up1" }');
    await other.call('serve', 'tcp', '0.0.0.0', 80, 'other');
    other.sh('ip route add default via 198.51.100.1');
    outside.sh('ip route add 198.51.100.0/24 via 192.0.2.1');
    assert.equal(host.sh('cat /proc/sys/net/ipv4/ip_forward').trim(), '1');
    assert.equal(await outside.call('dial', 'tcp', '198.51.100.2', 80), 'timeout');
    assert.equal(await a.call('dial', 'tcp', '198.51.100.2', 80), 'other sees 198.51.100.1');
    host.sh('nft flush chain ip onggi-forward forward');
    assert.equal(await outside.call('dial', 'tcp', '198.51.100.2', 80), 'other sees 192.0.2.2');
  });
});

test(
  'the shim and the init execute the steps',
  requires('root', 'bridge', 'veth', 'nf_tables', 'ip', 'busybox'),
  async () => {
    await inTown(async ({ host }) => {
      const bridge = await host.call('ensureBridge', network);
      const endpoint = { containerId: 'id', address: '10.99.0.4', nonce: 'fedcba9876543210fedc' };
      const { attach, init } = vethSteps(network, bridge, endpoint);
      const argv = ['sh', '-c', 'nc 192.0.2.2 80 </dev/null; echo; cat /sys/class/net/eth0/address || ip -o link'];
      const ran = await host.call('runShim', wire(attach), wire(init), argv);
      assert.equal(ran.failure, null);
      assert.match(ran.stdout, /^outside sees 192\.0\.2\.1\n[\s\S]*02:6f:0a:63:00:04/);
      // A refused step is told, not passed over.
      const nowhere = vethSteps(network, { ...bridge, index: 12345 }, endpoint);
      const refused = await host.call('runShim', wire(nowhere.attach), wire(nowhere.init), argv);
      assert.match(refused.failure ?? '', /message/);
      assert.equal(refused.stdout, '');
      assert.doesNotMatch(host.sh('ip -o link'), /vethfedcba98765/);
    });
  },
);

/** Links, tables and the switch of a namespace: what a network leaves behind. */
function traces(host: Agent): unknown {
  const links = JSON.parse(host.sh('ip -j link show')) as Record<string, unknown>[];
  return {
    links: links.map((link) => link['ifname']),
    tables: host.sh('nft list ruleset'),
    forwards: host.sh('cat /proc/sys/net/ipv4/ip_forward').trim(),
    // The kernel adds "linkdown" in its own time.
    routes: host.sh('ip route show table all type unicast').replaceAll(' linkdown', ''),
  };
}

test('a bridge is made once and removed without a trace, twice the same', needs, async () => {
  await using host = await newNamespace();
  const before = traces(host);
  const made = await host.call('ensureBridge', network);
  assert.deepEqual([made.rulesMade, made.warnings], [true, []]);
  const again = await host.call('ensureBridge', network);
  assert.deepEqual(again, { ...made, rulesMade: false });
  const [link] = JSON.parse(host.sh('ip -j -d addr show dev onggi3')) as Record<string, unknown>[];
  assert.equal(link?.['ifalias'], 'onggi:/test/store');
  assert.equal(link?.['address'], '02:6f:0a:63:00:01');
  assert.equal(host.sh('cat /proc/sys/net/ipv4/conf/onggi3/route_localnet').trim(), '1');
  await host.call('publishPorts', network, 'id', '10.99.0.2', [mapping('0.0.0.0', 8080, 80)]);
  await host.call('removeBridge', network);
  assert.deepEqual(traces(host), before);
  await host.call('removeBridge', network);
  await host.call('unpublishPorts', network, 'id');
  assert.deepEqual(await host.call('publishedPorts', network), []);
  assert.deepEqual(traces(host), before);
});

test('the rules are those that nft understands so', needs, async () => {
  await using host = await newNamespace();
  await host.call('ensureBridge', network);
  await host.call('publishPorts', network, 'some-id', '10.99.0.2', [
    mapping('0.0.0.0', 8080, 80),
    mapping('127.0.0.1', 53, 5353, 'udp'),
  ]);
  const lines = host
    .sh('nft list table ip onggi-onggi3')
    .split('\n')
    .map((line) => line.trim());
  for (const expected of [
    'type filter hook prerouting priority raw; policy accept;',
    'iifname != "lo" ip daddr 127.0.0.0/8 drop',
    'iifname "onggi3" ip saddr 127.0.0.0/8 drop',
    'iifname != "lo" iifname != "onggi3" ip daddr 10.99.0.0/16 drop',
    'type nat hook prerouting priority dstnat; policy accept;',
    'type nat hook output priority -100; policy accept;',
    'fib daddr type local jump publish',
    'dnat ip to ip daddr . meta l4proto . th dport map @ports-at',
    'dnat ip to meta l4proto . th dport map @ports',
    'type nat hook postrouting priority srcnat; policy accept;',
    'oifname "onggi3" ip saddr 10.99.0.0/16 ct status dnat masquerade',
    'oifname "onggi3" ip saddr 127.0.0.0/8 masquerade',
    'ip saddr 10.99.0.0/16 oifname != "onggi3" masquerade',
    'elements = { tcp . 8080 comment "some-id" : 10.99.0.2 . 80 }',
    'elements = { 127.0.0.1 . udp . 53 comment "some-id" : 10.99.0.2 . 5353 }',
  ]) {
    assert.ok(lines.includes(expected), `"${expected}" is not among:\n${lines.join('\n')}`);
  }
  assert.match(host.sh('nft list table ip onggi-forward'), /iifname @links oifname @links drop/);
});

test('rules that somebody flushed come back', needs, async () => {
  await using host = await newNamespace();
  await host.call('ensureBridge', network);
  host.sh('nft flush ruleset');
  assert.equal((await host.call('ensureBridge', network)).rulesMade, true);
  assert.equal((await host.call('ensureBridge', network)).rulesMade, false);
  await host.call('removeBridge', network);
});

test("another owner's bridge is left alone", needs, async () => {
  await using host = await newNamespace();
  await host.call('ensureBridge', network);
  const theirs = { ...network, owner: '/other/store' };
  const before = traces(host);
  await assert.rejects(host.call('ensureBridge', theirs), code('conflict'));
  await host.call('removeBridge', theirs);
  assert.deepEqual(traces(host), before);
  host.sh('ip link add onggi5 type dummy 2>/dev/null || ip link add onggi5 type veth peer name x');
  await assert.rejects(host.call('ensureBridge', { ...network, bridge: 'onggi5' }), code('conflict'));
});

test('forwarding that was on stays on', needs, async () => {
  await using host = await newNamespace();
  host.sh('sysctl -qw net.ipv4.ip_forward=1');
  const before = traces(host);
  await host.call('ensureBridge', network);
  assert.doesNotMatch(host.sh('nft list tables'), /onggi-forward/);
  await host.call('removeBridge', network);
  assert.deepEqual(traces(host), before);
});

test('forwarding stays while somebody else may need it, or a second bridge does', needs, async () => {
  await using host = await newNamespace();
  const second = { ...network, bridge: 'onggi4', subnet: '10.98.0.0/16', gateway: '10.98.0.1' };
  await host.call('ensureBridge', network);
  await host.call('ensureBridge', second);
  await host.call('removeBridge', network);
  assert.equal(host.sh('cat /proc/sys/net/ipv4/ip_forward').trim(), '1');
  host.sh('ip link add docker0 type bridge');
  await host.call('removeBridge', second);
  assert.equal(host.sh('cat /proc/sys/net/ipv4/ip_forward').trim(), '1');
});

test('a firewall that drops what is forwarded is told', needs, async () => {
  await using host = await newNamespace();
  host.sh("nft 'table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }'");
  const { warnings } = await host.call('ensureBridge', network);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /table "filter".*chain "FORWARD"/);
});

test('the MTU is that of a narrower uplink', needs, async () => {
  await using host = await newNamespace();
  await using outside = await newNamespace();
  cable(host, 'up0', outside, ['192.0.2.1/24', '192.0.2.2/24']);
  host.sh('ip link set up0 mtu 1400; ip route add default via 192.0.2.2');
  const bridge = await host.call('ensureBridge', network);
  assert.equal(bridge.mtu, 1400);
  await using a = await newContainer(host, network, bridge, '10.99.0.2');
  assert.equal(a.sh('cat /sys/class/net/eth0/mtu || ip -o link show eth0').includes('1400'), true);
});

test('the link of a container goes with its namespace', needs, async () => {
  await using host = await newNamespace();
  const bridge = await host.call('ensureBridge', network);
  {
    await using _a = await newContainer(host, network, bridge, '10.99.0.2');
    assert.match(host.sh('ip -o link show master onggi3'), /veth/);
  }
  await eventually('the veth is gone', () => host.sh('ip -o link show master onggi3') === '');
});

test('what is taken on a host is seen', needs, async () => {
  await using host = await newNamespace();
  await using outside = await newNamespace();
  cable(host, 'up0', outside, ['192.0.2.1/24', '192.0.2.2/24']);
  host.sh('ip route add 10.88.0.0/16 via 192.0.2.2; ip route add default via 192.0.2.2');
  const found = await host.call('readHostNetworks');
  assert.deepEqual([...found.links].sort(), ['lo', 'up0']);
  assert.deepEqual([...found.subnets].sort(), ['10.88.0.0/16', '192.0.2.0/24']);
});

test('a container without network has a loopback and nothing else', needs, async () => {
  await using alone = await newNamespace();
  alone.sh('ip link set lo down');
  await alone.call('sendStep', wire(loopbackStep()), 0);
  await alone.call('serve', 'tcp', '127.0.0.1', 80, 'itself');
  assert.equal(await alone.call('dial', 'tcp', '127.0.0.1', 80), 'itself sees 127.0.0.1');
  assert.equal(await alone.call('dial', 'tcp', '192.0.2.2', 80), 'ENETUNREACH');
  assert.match(alone.sh('ip -br link'), /^lo\s[^\n]*\n$/);
});
