import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkHost, linkVariables, relinkedHosts } from './link.ts';

const linked = { id: 'ab'.repeat(32), name: 'web', alias: 'db', address: '10.0.0.2', ports: [], env: [] };

test('the lines of a linked container get its new address, all others stay', () => {
  const { name, address } = linkHost(linked);
  const others = ['127.0.0.1\tlocalhost', '10.0.0.2\tdb other', `# see ${name}`, `10.0.0.9\tx ${name}`, ''];
  const file = (ip: string): string => [`${ip}\t${name}`, ...others].join('\n');
  assert.equal(relinkedHosts(file(address), { ...linked, address: '10.0.0.7' }), file('10.0.0.7'));
  assert.equal(relinkedHosts('', linked), '');
});

test('variables: single ports, pairs, and ranges by their ends', () => {
  const told = (...ports: string[]): string[] => linkVariables('app', { ...linked, alias: 'my-db', ports });
  const single = (port: string): string[] => [
    `MY_DB_PORT_${port}_TCP=tcp://10.0.0.2:${port}`,
    `MY_DB_PORT_${port}_TCP_ADDR=10.0.0.2`,
    `MY_DB_PORT_${port}_TCP_PORT=${port}`,
    `MY_DB_PORT_${port}_TCP_PROTO=tcp`,
  ];
  const name = 'MY_DB_NAME=/app/my-db';
  assert.deepEqual(told('81/tcp', '80/tcp'), ['MY_DB_PORT=tcp://10.0.0.2:80', ...single('80'), ...single('81'), name]);
  assert.deepEqual(told(), [name]);
});

/** As dockerd tells them (20.10): each row is what is exposed, and the variables without the prefix, in order. */
const rows: [ports: string, told: string][] = [
  [
    '8002/tcp 8000/tcp 22/tcp 8001/tcp 9000/tcp',
    '=22/t 8000_TCP_START=8000/t 8000_TCP_ADDR 8000_TCP_PROTO 8000_TCP_PORT_START 8000_TCP_END=8002/t 8000_TCP_PORT_END ' +
      '22_TCP=22/t 22_TCP_ADDR 22_TCP_PORT 22_TCP_PROTO 8000_TCP=8000/t 8000_TCP_PORT ' +
      '8001_TCP=8001/t 8001_TCP_ADDR 8001_TCP_PORT 8001_TCP_PROTO 8002_TCP=8002/t 8002_TCP_ADDR 8002_TCP_PORT 8002_TCP_PROTO ' +
      '9000_TCP=9000/t 9000_TCP_ADDR 9000_TCP_PORT 9000_TCP_PROTO',
  ],
  [
    '80/udp 80/tcp 81/tcp',
    '=80/t 80_TCP_START=80/t 80_TCP_ADDR 80_TCP_PROTO 80_TCP_PORT_START 80_TCP_END=81/t 80_TCP_PORT_END ' +
      '80_TCP=80/t 80_TCP_PORT 80_UDP=80/u 80_UDP_ADDR 80_UDP_PORT 80_UDP_PROTO ' +
      '81_TCP=81/t 81_TCP_ADDR 81_TCP_PORT 81_TCP_PROTO',
  ],
  [
    '80/sctp 80/udp 80/tcp',
    '=80/t 80_TCP_START=80/t 80_TCP_ADDR 80_TCP_PROTO 80_TCP_PORT_START 80_UDP_END=80/u 80_UDP_PORT_END ' +
      '80_TCP=80/t 80_TCP_PORT 80_SCTP=80/s 80_SCTP_ADDR 80_SCTP_PORT 80_SCTP_PROTO ' +
      '80_UDP=80/u 80_UDP_ADDR 80_UDP_PORT 80_UDP_PROTO',
  ],
];

for (const [ports, expected] of rows) {
  test(`variables of ports that follow one another: ${ports}`, () => {
    const protocols: Record<string, string> = { t: 'tcp', u: 'udp', s: 'sctp' };
    const told = linkVariables('app', { ...linked, ports: ports.split(' ') }).slice(0, -1);
    assert.deepEqual(
      told.map((line) => (line.includes('://') ? line : line.split('=')[0])),
      expected.split(' ').map((word) => {
        const [name = '', port] = word.split('=');
        const [number, protocol = ''] = (port ?? '').split('/');
        const start = name === '' ? 'DB_PORT' : `DB_PORT_${name}`;
        return port === undefined ? start : `${start}=${protocols[protocol]}://10.0.0.2:${number}`;
      }),
    );
  });
}

test('the environment of a linked container, but for what is its own', () => {
  const env = ['B=c', 'HOME=/x', 'PATH=/bin', 'EMPTY=', 'UNSET', 'X_Y=a b=c'];
  const told = linkVariables('app', { ...linked, env }).slice(1);
  assert.deepEqual(told, ['DB_ENV_B=c', 'DB_ENV_EMPTY=', 'DB_ENV_X_Y=a b=c']);
});
