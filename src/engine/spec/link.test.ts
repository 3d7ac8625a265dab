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
  assert.deepEqual(told('8002/tcp', '8000/tcp', '22/tcp', '8001/tcp', '9000/tcp'), [
    'MY_DB_PORT=tcp://10.0.0.2:22',
    ...single('22'),
    'MY_DB_PORT_8000_TCP_START=tcp://10.0.0.2:8000',
    'MY_DB_PORT_8000_TCP_ADDR=10.0.0.2',
    'MY_DB_PORT_8000_TCP_PROTO=tcp',
    'MY_DB_PORT_8000_TCP_PORT_START=8000',
    'MY_DB_PORT_8000_TCP_END=tcp://10.0.0.2:8002',
    'MY_DB_PORT_8000_TCP_PORT_END=8002',
    ...single('9000'),
    name,
  ]);
  assert.deepEqual(told(), [name]);
});
