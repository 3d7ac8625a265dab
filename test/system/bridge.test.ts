/** The bridge by the command line, on a host of the test's own: NAT, published ports, two stores beside each other. */
import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, type Outcome, type Running, run, start } from '../harness/program.ts';
import type { Need } from '../harness/requires.ts';
import { binary, systemTest, type World } from '../harness/system-test.ts';
import { linesOf } from './container-view.ts';
import { type Agent, cable, newNamespace } from './network-place.ts';

const needs: readonly Need[] = ['busybox', 'bridge', 'veth', 'nf_tables', 'ip', 'python3'];

/** A host with an uplink 192.0.2.1 to `outside`, 192.0.2.2, and onggi on that host. */
type Place = {
  readonly world: World;
  readonly host: Agent;
  readonly outside: Agent;
  onggi(args: readonly string[], root?: string): Promise<Outcome>;
  ok(args: readonly string[], root?: string): Promise<string>;
  start(args: readonly string[]): Running;
};

/** Containers are removed before the host goes: their rules can't be reached from anywhere else. */
function bridgeTest(name: string, body: (place: Place) => Promise<void>, more: readonly Need[] = []): void {
  systemTest(name, [...needs, ...more], async (world) => {
    await using host = await newNamespace();
    await using outside = await newNamespace();
    cable(host, 'up0', outside, ['192.0.2.1/24', '192.0.2.2/24']);
    host.sh('ip route add default via 192.0.2.2');
    const there = (args: readonly string[], root = world.root) => [
      ...['-t', String(host.pid), '-n', binary, '--root', root],
      ...args,
    ];
    const onggi: Place['onggi'] = (args, root) => run('nsenter', there(args, root));
    const ok: Place['ok'] = async (args, root) => {
      const { status, stdout, stderr } = await onggi(args, root);
      assert.equal(status, 0, `onggi ${args.join(' ')}: ${stderr}`);
      return stdout.replace(/\n$/, '');
    };
    try {
      await body({ world, host, outside, onggi, ok, start: (args) => start('nsenter', there(args)) });
    } finally {
      const left = linesOf(await ok(['ps', '-aq']));
      if (left.length > 0) await ok(['rm', '-f', ...left]);
    }
    // Last of all the host stops to forward, a moment after its bridge has gone.
    const state = 'ip -o link | grep onggi || true; nft list ruleset; cat /proc/sys/net/ipv4/ip_forward';
    await eventually('bridge, rules and forwarding have gone', () => host.sh(state) === '0\n');
  });
}

/** Answers on TCP and UDP with a name and the address that it sees. */
const server = `
import socket, sys, threading
def udp(s):
    while True:
        data, peer = s.recvfrom(64)
        s.sendto(f'{sys.argv[1]} sees {peer[0]}'.encode(), peer)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(('', 80))
threading.Thread(target=udp, args=[u], daemon=True).start()
t = socket.create_server(('', 80))
print('listening', flush=True)
while True:
    c, peer = t.accept()
    c.sendall(f'{sys.argv[1]} sees {peer[0]}'.encode())
    c.close()
`;

/** A container of the machine's own Python that serves; its name is what it says. */
async function serving(place: Place, name: string, flags: readonly string[], root?: string): Promise<void> {
  const script = join(place.world.scratch, 'server.py');
  writeFileSync(script, server);
  const command = ['host', 'python3', script, name];
  await place.ok(['run', '-d', '--init', '--name', name, ...flags, ...command], root);
  await eventually(`${name} listens`, async () => (await place.ok(['logs', name], root)) === 'listening');
}

async function addressOf(place: Place, name: string, root?: string): Promise<string> {
  return await place.ok(['inspect', '-f', '{{.NetworkSettings.IPAddress}}', name], root);
}

bridgeTest('out by NAT: the world sees the host, the host and neighbours the container', async (place) => {
  const { host, outside, world } = place;
  await outside.call('serve', 'tcp', '0.0.0.0', 80, 'outside');
  await host.call('serve', 'tcp', '0.0.0.0', 81, 'host');
  await serving(place, 'neighbour', []);
  const neighbour = await addressOf(place, 'neighbour');
  const dials = [`nc 192.0.2.2 80`, 'nc 192.0.2.1 81', `nc ${neighbour} 80`].map((dial) => `${dial} </dev/null; echo`);
  const line = `hostname -i; ip route; ${dials.join('; ')}`;
  const [own = '', route, link, ...seen] = linesOf(await place.ok(['run', '--rm', world.image, 'sh', '-c', line]));
  const gateway = neighbour.replace(/\d+\.\d+$/, '0.1');
  assert.deepEqual([route?.trim(), link?.includes('dev eth0')], [`default via ${gateway} dev eth0`, true]);
  assert.deepEqual(seen, ['outside sees 192.0.2.1', `host sees ${own}`, `neighbour sees ${own}`]);
  assert.equal(await host.call('dial', 'tcp', neighbour, 80), `neighbour sees ${gateway}`);
  // From outside only by published ports, even for those who know the way.
  outside.sh(`ip route add ${neighbour} via 192.0.2.1`);
  assert.equal(await outside.call('dial', 'tcp', neighbour, 80), 'timeout');
});

bridgeTest('-p: from outside, from the host by each of its addresses, from containers; TCP and UDP', async (place) => {
  const { host, outside, world } = place;
  await serving(place, 'web', ['-p', '8080:80', '-p', '8080:80/udp', '-p', '127.0.0.1:9090:80']);
  const own = await addressOf(place, 'web');
  const gateway = own.replace(/\d+\.\d+$/, '0.1');
  for (const protocol of ['tcp', 'udp'] as const) {
    assert.equal(await outside.call('dial', protocol, '192.0.2.1', 8080), 'web sees 192.0.2.2', protocol);
    assert.equal(await host.call('dial', protocol, '127.0.0.1', 8080), `web sees ${gateway}`, protocol);
    assert.match(await host.call('dial', protocol, '192.0.2.1', 8080), /^web sees /, protocol);
  }
  assert.equal(await host.call('dial', 'tcp', '127.0.0.1', 9090), `web sees ${gateway}`);
  assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 9090), 'ECONNREFUSED');
  assert.equal(await outside.call('dial', 'udp', '192.0.2.1', 9090), 'ECONNREFUSED');
  const inside = ['run', '--rm', world.image, 'sh', '-c', 'nc 192.0.2.1 8080 </dev/null'];
  assert.match(await place.ok(inside), /^web sees 10\./);
  const shown = (await place.ok(['ps', '--format', '{{.Ports}}'])).split(', ').filter((port) => !port.startsWith('['));
  assert.deepEqual(shown, ['0.0.0.0:8080->80/tcp', '0.0.0.0:8080->80/udp', '127.0.0.1:9090->80/tcp']);
  const ports = JSON.parse(await place.ok(['inspect', '-f', '{{json .NetworkSettings.Ports}}', 'web']));
  assert.deepEqual(ports['80/tcp'].filter(isIpv4), [
    { HostIp: '0.0.0.0', HostPort: '8080' },
    { HostIp: '127.0.0.1', HostPort: '9090' },
  ]);
  assert.deepEqual(ports['80/udp'].filter(isIpv4), [{ HostIp: '0.0.0.0', HostPort: '8080' }]);
  // Its ports end with it, and come back with it.
  await place.ok(['stop', '-t', '0', 'web']);
  assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 8080), 'ECONNREFUSED');
  assert.equal(await place.ok(['ps', '-a', '--format', '{{.Ports}}']), '');
  await place.ok(['start', 'web']);
  await eventually('it listens', async () => (await place.ok(['logs', 'web'])) === 'listening\nlistening');
  assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 8080), 'web sees 192.0.2.2');
});

type Binding = { readonly HostIp: string; readonly HostPort: string };

function isIpv4({ HostIp }: Binding): boolean {
  return !HostIp.includes(':');
}

/** Sends 4 MiB to a port of ::1, says that it is all, and prints the length and digest of what comes back. */
const echoed = `
import hashlib, socket, sys, threading
data = bytes(range(256)) * 16384
s = socket.create_connection(('::1', int(sys.argv[1])))
def send():
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
back = b''
while (piece := s.recv(65536)): back += piece
print(len(back), back == data)
`;

bridgeTest(
  '-p by IPv6: a container that has none is reached all the same, as by docker’s proxy',
  async (place) => {
    const { host, world } = place;
    const dial = (protocol: 'tcp' | 'udp', port: number) => host.call('dial', protocol, '::1', port);
    // A machine under load may take longer than a dial waits.
    const answers = (protocol: 'tcp' | 'udp', port: number, says: string) =>
      eventually(`${protocol} ${port}: ${says}`, async () => (await dial(protocol, port)) === says);
    const ports = ['-p', '8080:80', '-p', '8080:80/udp', '-p', '[::1]:9090:80', '-p', '0.0.0.0:9091:80'];
    await serving(place, 'web', ports);
    const gateway = (await addressOf(place, 'web')).replace(/\d+\.\d+$/, '0.1');
    for (const protocol of ['tcp', 'udp'] as const) {
      await answers(protocol, 8080, `web sees ${gateway}`);
      await answers(protocol, 8080, `web sees ${gateway}`);
    }
    await answers('tcp', 9090, `web sees ${gateway}`);
    await answers('tcp', 9091, 'ECONNREFUSED');
    assert.equal(
      await place.ok(['ps', '--format', '{{.Ports}}']),
      '0.0.0.0:8080->80/tcp, 0.0.0.0:8080->80/udp, 0.0.0.0:9091->80/tcp, [::]:8080->80/tcp, [::]:8080->80/udp, [::1]:9090->80/tcp',
    );
    assert.equal(await place.ok(['port', 'web', '80/udp']), '0.0.0.0:8080\n[::]:8080');
    // Much, both ways, with an end that the other side hears of.
    await place.ok(['run', '-d', '--name', 'echo', '-p', '8082:81', world.image, 'nc', '-ll', '-p', '81', '-e', 'cat']);
    const script = join(world.scratch, 'echoed.py');
    writeFileSync(script, echoed);
    // It says nothing of itself; while nobody listens inside, the connection ends at once.
    await eventually('it listens', async () => (await dial('tcp', 8082)) === 'timeout');
    assert.equal(host.sh(`python3 ${script} 8082`).trim(), `${256 * 16384} True`);
    // Each port has one owner, of each family.
    await host.call('serve', 'tcp', '::1', 7000, 'host');
    for (const [published, says] of [
      ['[::1]:8080:80', /Bind for \[::1\]:8080 failed: port is already allocated/],
      ['7000:80', /failed to bind host port \[::\]:7000\/tcp: address already in use/],
      ['[2001:db8::1]:7001:80', /\[2001:db8::1\]:7001\/tcp: cannot assign requested address/],
    ] as const) {
      const { status, stderr } = await place.onggi(['run', '--rm', '-p', published, world.image, 'true']);
      assert.equal(status, 125, `${published}: ${stderr}`);
      assert.match(stderr, says, published);
    }
    // They end with the container, however it ends, and come back with it.
    await place.ok(['kill', 'web']);
    await answers('tcp', 8080, 'ECONNREFUSED');
    await place.ok(['start', 'web']);
    await eventually('it listens', async () => (await place.ok(['logs', 'web'])) === 'listening\nlistening');
    await answers('tcp', 8080, `web sees ${gateway}`);
  },
  ['ipv6'],
);

bridgeTest('a port has one owner: a container, or a program of the host', async (place) => {
  const { host, outside, world } = place;
  await host.call('serve', 'tcp', '127.0.0.1', 7000, 'host');
  await serving(place, 'first', ['-p', '8080:80']);
  const taken = /^onggi: .*(8080|7000).*(already allocated|address already in use)/;
  for (const published of ['8080:80', '127.0.0.1:8080:80', '7000:80', '127.0.0.1:7000:80']) {
    const { status, stderr } = await place.onggi(['run', '--rm', '-p', published, world.image, 'true']);
    assert.equal(status, 125, `${published}: ${stderr}`);
    assert.match(stderr, taken, published);
  }
  // The same number of another address or protocol is another port.
  for (const published of ['127.0.0.2:7000:80', '8080:80/udp']) {
    await place.ok(['run', '--rm', '-p', published, world.image, 'true']);
  }
  // One that was made is refused at its start, and can start when the port is free.
  await place.ok([
    'create',
    '--name',
    'second',
    '-p',
    '8080:81',
    '-p',
    '8081:80',
    world.image,
    'httpd',
    '-f',
    '-p',
    '81',
  ]);
  const refused = await place.onggi(['start', 'second']);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, taken);
  assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 8081), 'ECONNREFUSED', 'all or none');
  assert.equal(await place.ok(['inspect', '-f', '{{.State.Status}}', 'second']), 'created');
  await place.ok(['rm', '-f', 'first']);
  await place.ok(['start', 'second']);
  assert.equal(await place.ok(['inspect', '-f', '{{.State.Status}}', 'second']), 'running');
});

bridgeTest('a port of the kernel’s choice, many at once, ranges', async (place) => {
  const { outside } = place;
  await serving(place, 'any', ['-p', '80', '-p', '127.0.0.1::80', '-p', '6000-6002:80-82']);
  const bindings = JSON.parse(await place.ok(['inspect', '-f', '{{json .NetworkSettings.Ports}}', 'any']));
  const [local, ...others]: Binding[] = bindings['80/tcp']
    .filter(isIpv4)
    .toSorted((a: Binding) => (a.HostIp === '127.0.0.1' ? -1 : 1));
  const everywhere = others.find(({ HostPort }) => HostPort !== '6000');
  assert.ok(local?.HostIp === '127.0.0.1' && everywhere !== undefined && others.length === 2, JSON.stringify(bindings));
  assert.deepEqual(bindings['82/tcp'].filter(isIpv4), [{ HostIp: '0.0.0.0', HostPort: '6002' }]);
  const [low = 0, high = 0] = place.host.sh('cat /proc/sys/net/ipv4/ip_local_port_range').split(/\s+/).map(Number);
  for (const { HostPort } of [everywhere, local]) assert.ok(Number(HostPort) >= low && Number(HostPort) <= high);
  assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', Number(everywhere.HostPort)), 'any sees 192.0.2.2');
  assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', Number(local.HostPort)), 'ECONNREFUSED');
  assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 6000), 'any sees 192.0.2.2');
  for (const [published, message] of [
    ['0', /invalid/],
    ['65536:80', /65536/],
    ['80:80/sctp', /sctp/],
    ['300.0.0.1:80:80', /300\.0\.0\.1/],
    ['192.0.2.77:80:80', /192\.0\.2\.77/],
    ['1-3:80-81', /ranges/],
    ['[::g]:80:80', /::g/],
    ['', /port/],
  ] as const) {
    const { status, stderr } = await place.onggi(['run', '--rm', '-p', published, place.world.image, 'true']);
    assert.equal(status, 125, `${published}: ${stderr}`);
    assert.match(stderr, message, published);
  }
});

bridgeTest('two stores on one host: networks, ports and names of their own', async (place) => {
  const { host, outside, world } = place;
  const other = join(world.scratch, 't');
  await serving(place, 'web', ['-p', '8080:80']);
  await serving(place, 'web', ['-p', '8090:80'], other);
  try {
    const [own = '', others = ''] = [await addressOf(place, 'web'), await addressOf(place, 'web', other)];
    assert.notEqual(own.split('.')[1], others.split('.')[1]);
    assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 8080), 'web sees 192.0.2.2');
    assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 8090), 'web sees 192.0.2.2');
    assert.equal(linesOf(host.sh('ip -o link show type bridge')).length, 2);
    // A port of the other store is taken, too.
    const { status, stderr } = await place.onggi(['run', '--rm', '-p', '8090:80', world.image, 'true']);
    assert.deepEqual([status, /8090.*already/.test(stderr)], [125, true], stderr);
    await place.ok(['rm', '-f', 'web']);
    assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 8090), 'web sees 192.0.2.2');
  } finally {
    await place.ok(['rm', '-f', 'web'], other);
  }
});

bridgeTest('a link that outlives its bridge keeps no forwarding', async (place) => {
  const { host } = place;
  await serving(place, 'web', []);
  const pid = await place.ok(['inspect', '-f', '{{.State.Pid}}', 'web']);
  // Somebody looks into the container's network: it stays as long as they do, and with it the link on the host.
  const held = openSync(`/proc/${pid}/ns/net`, 'r');
  try {
    await place.ok(['rm', '-f', 'web']);
    assert.match(host.sh('ip -o link'), / veth/);
    await eventually('forwarding has gone', () => host.sh('cat /proc/sys/net/ipv4/ip_forward') === '0\n');
  } finally {
    closeSync(held);
  }
});
