import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpv6 } from './address.ts';
import { passedOn, portsStep } from './pass-on.ts';

const four = { hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'tcp' } as const;
const six = { ...four, hostIp: '::' } as const;
const alone = { hostIp: '::1', hostPort: 53, containerPort: 5353, protocol: 'udp' } as const;

test('bytes of IPv6 addresses', () => {
  const hex = (text: string) => Buffer.from(parseIpv6(text)).toString('hex');
  assert.equal(hex('::'), '0'.repeat(32));
  assert.equal(hex('::1'), `${'0'.repeat(31)}1`);
  assert.equal(hex('fe80::a:b'), 'fe8000000000000000000000000a000b');
  assert.equal(hex('2001:DB8:1:2:3:4:5:6'), '20010db8000100020003000400050006');
  assert.equal(hex('::ffff:1.2.3.4'), '00000000000000000000ffff01020304');
  assert.throws(() => parseIpv6('1.2.3.4'), { code: 'invalid' });
  assert.throws(() => parseIpv6('::g'), { code: 'invalid' });
});

test('ports of IPv6 go to the container, by its own address', () => {
  const [step] = portsStep([four, six, alone], '10.88.0.2');
  const seen = step?.ports.map(({ what, datagrams, port, target, targetPort }) => [
    what,
    datagrams,
    port,
    [...target],
    targetPort,
  ]);
  assert.deepEqual(seen, [
    ['[::]:8080/tcp', false, 8080, [10, 88, 0, 2], 80],
    ['[::1]:53/udp', true, 53, [10, 88, 0, 2], 5353],
  ]);
  assert.deepEqual(portsStep([four], '10.88.0.2'), []);
});

test('where pasta publishes, they go to the same port of IPv4, and those without one are left to pasta', () => {
  const [step] = portsStep([four, six, alone], null);
  assert.deepEqual(
    step?.ports.map(({ what, target, targetPort }) => [what, [...target], targetPort]),
    [['[::]:8080/tcp', [127, 0, 0, 1], 8080]],
  );
  assert.deepEqual(
    [four, six, alone].map((port) => passedOn(port, [four, six, alone])),
    [false, true, false],
  );
});
