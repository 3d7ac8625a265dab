import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkNetwork, chooseBridge, tableOf } from './network.ts';

const good = { name: 'n', bridge: 'onggi0', subnet: '10.88.0.0/16', gateway: '10.88.0.1', owner: '/var/lib/onggi' };

test('a network is checked before the kernel sees it', () => {
  checkNetwork(good);
  for (const change of [
    { bridge: 'docker0' },
    { bridge: 'onggi' },
    { bridge: 'onggi0123456789x' },
    { bridge: 'onggi/0' },
    { bridge: 'onggi0"; drop' },
    { subnet: '10.88.0.0/31' },
    { subnet: '0.0.0.0/0' },
    { subnet: '10.88.0.1/16' },
    { gateway: '10.89.0.1' },
    { gateway: 'localhost' },
    { owner: '' },
    { owner: 'x'.repeat(201) },
  ]) {
    assert.throws(() => checkNetwork({ ...good, ...change }), { code: 'invalid' }, JSON.stringify(change));
  }
});

test('the first free bridge name', () => {
  assert.equal(chooseBridge([]), 'onggi0');
  assert.equal(chooseBridge(['lo', 'onggi0', 'onggi2']), 'onggi1');
  assert.equal(tableOf('onggi0'), 'onggi-onggi0');
});
