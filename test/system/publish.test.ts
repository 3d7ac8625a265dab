import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { before, test } from 'node:test';
import { lockMachine } from '../harness/machine-lock.ts';
import { requires } from '../harness/requires.ts';
import { type Agent, inTown, mapping, network, newNamespace } from './network-place.ts';

const needs = requires('root', 'bridge', 'veth', 'nf_tables', 'ip');
// Other tests look for what is left on the machine: our processes are not theirs.
before(lockMachine);

const code = (expected: string) => (error: unknown) => Reflect.get(Object(error), 'code') === expected;

test('a published port is reached from everywhere, twice the same', needs, async () => {
  await inTown(async ({ host, outside, a, b }) => {
    await host.call('publishPorts', network, 'a-id', '10.99.0.2', [
      mapping('0.0.0.0', 8080, 80),
      mapping('0.0.0.0', 8080, 80, 'udp'),
    ]);
    for (const protocol of ['tcp', 'udp'] as const) {
      const dial = (from: Agent, address: string): Promise<string> => from.call('dial', protocol, address, 8080);
      // From outside the container sees who it really is.
      assert.equal(await dial(outside, '192.0.2.1'), 'a sees 192.0.2.2', `${protocol} from outside`);
      assert.equal(await dial(host, '127.0.0.1'), 'a sees 10.99.0.1', `${protocol} by the host's loopback`);
      assert.equal(await dial(host, '127.1.2.3'), 'a sees 10.99.0.1', `${protocol} by the host's loopback`);
      // The host's own address is no secret.
      assert.match(
        await dial(host, '192.0.2.1'),
        /^a sees (10\.99\.0\.1|192\.0\.2\.1)$/,
        `${protocol} by the host's address`,
      );
      assert.match(await dial(host, '10.99.0.1'), /^a sees 10\.99\.0\.1$/, `${protocol} by the gateway`);
      for (const [name, from] of [
        ['itself', a],
        ['its neighbour', b],
      ] as const) {
        assert.equal(await dial(from, '192.0.2.1'), 'a sees 10.99.0.1', `${protocol} from ${name}`);
        assert.equal(await dial(from, '10.99.0.1'), 'a sees 10.99.0.1', `${protocol} from ${name} by the gateway`);
      }
    }
    assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 80), 'ECONNREFUSED');
  });
});

const shown = existsSync('/proc/sys/net/bridge') ? needs : { skip: 'needs br_netfilter' };

test('with bridged frames shown to the rules, a container still reaches its own port', shown, async () => {
  await inTown(async ({ host, a }) => {
    host.sh('sysctl -qw net.bridge.bridge-nf-call-iptables=1');
    await host.call('publishPorts', network, 'a-id', '10.99.0.2', [mapping('0.0.0.0', 8080, 80)]);
    assert.equal(await a.call('dial', 'tcp', '192.0.2.1', 8080), 'a sees 10.99.0.1');
  });
});

test('a port of one address is no port of the others', needs, async () => {
  await inTown(async ({ host, outside, a }) => {
    await host.call('publishPorts', network, 'a-id', '10.99.0.2', [
      mapping('127.0.0.1', 8081, 80),
      mapping('192.0.2.1', 8082, 80),
    ]);
    await host.call('publishPorts', network, 'b-id', '10.99.0.3', [mapping('0.0.0.0', 8083, 80)]);
    assert.equal(await host.call('dial', 'tcp', '127.0.0.1', 8081), 'a sees 10.99.0.1');
    assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 8081), 'ECONNREFUSED');
    assert.equal(await a.call('dial', 'tcp', '10.99.0.1', 8081), 'ECONNREFUSED');
    assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 8082), 'a sees 192.0.2.2');
    assert.equal(await host.call('dial', 'tcp', '127.0.0.1', 8082), 'ECONNREFUSED');
    assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 8083), 'b sees 192.0.2.2');
  });
});

test('ports are found by their container, taken back, and never given twice', needs, async () => {
  await inTown(async ({ host, outside }) => {
    const ports = [mapping('0.0.0.0', 8080, 80), mapping('127.0.0.1', 53, 5353, 'udp')];
    await host.call('publishPorts', network, 'a-id', '10.99.0.2', ports);
    const other = [mapping('0.0.0.0', 8090, 80), mapping('0.0.0.0', 8080, 80)];
    await assert.rejects(host.call('publishPorts', network, 'b-id', '10.99.0.3', other), code('conflict'));
    // All or none.
    assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 8090), 'ECONNREFUSED');
    const found = await host.call('publishedPorts', network);
    assert.deepEqual(
      found,
      ports.map((port) => ({ containerId: 'a-id', port, address: '10.99.0.2' })),
    );
    await host.call('unpublishPorts', network, 'b-id');
    assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 8080), 'a sees 192.0.2.2');
    await host.call('unpublishPorts', network, 'a-id');
    await host.call('unpublishPorts', network, 'a-id');
    assert.deepEqual(await host.call('publishedPorts', network), []);
    assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 8080), 'ECONNREFUSED');
    await host.call('publishPorts', network, 'b-id', '10.99.0.3', other);
    assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 8080), 'b sees 192.0.2.2');
  });
});

test('a thousand ports are published in one batch and taken back in one', needs, async () => {
  await inTown(async ({ host, outside }) => {
    const ports = Array.from({ length: 1000 }, (_, index) => mapping('0.0.0.0', 10_000 + index, 80));
    const id = 'a'.repeat(64);
    await host.call('publishPorts', network, id, '10.99.0.2', ports);
    await host.call('publishPorts', network, 'b-id', '10.99.0.3', [mapping('0.0.0.0', 9999, 80)]);
    assert.equal((await host.call('publishedPorts', network)).length, 1001);
    assert.equal(await outside.call('dial', 'tcp', '192.0.2.1', 10_999), 'a sees 192.0.2.2');
    await host.call('unpublishPorts', network, id);
    assert.deepEqual(
      (await host.call('publishedPorts', network)).map(({ containerId }) => containerId),
      ['b-id'],
    );
  });
});

test("a process of the host's has its port", needs, async () => {
  await using host = await newNamespace();
  await host.call('serve', 'tcp', '127.0.0.1', 8080, 'host');
  await host.call('serve', 'udp', '0.0.0.0', 8081, 'host');
  for (const taken of [
    mapping('0.0.0.0', 8080, 80),
    mapping('127.0.0.1', 8080, 80),
    mapping('127.0.0.1', 8081, 80, 'udp'),
  ]) {
    await assert.rejects(host.call('checkHostPort', taken), { code: 'conflict', message: /address already in use/ });
  }
  await host.call('checkHostPort', mapping('127.0.0.2', 8080, 80));
  await host.call('checkHostPort', mapping('0.0.0.0', 8081, 80));
  await assert.rejects(host.call('checkHostPort', mapping('192.0.2.77', 8080, 80)), { code: 'invalid' });
});
