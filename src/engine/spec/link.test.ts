import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkHost, relinkedHosts } from './link.ts';

const linked = { id: 'ab'.repeat(32), name: 'web', alias: 'db', address: '10.0.0.2', ports: [], env: [] };

test('the lines of a linked container get its new address, all others stay', () => {
  const { name, address } = linkHost(linked);
  const others = ['127.0.0.1\tlocalhost', '10.0.0.2\tdb other', `# see ${name}`, `10.0.0.9\tx ${name}`, ''];
  const file = (ip: string): string => [`${ip}\t${name}`, ...others].join('\n');
  assert.equal(relinkedHosts(file(address), { ...linked, address: '10.0.0.7' }), file('10.0.0.7'));
  assert.equal(relinkedHosts('', linked), '');
});
