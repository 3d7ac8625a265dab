/** Who removes an idle bridge, told by rows. That it is removed is a matter of the kernel: test/system/. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { insertContainer } from '../../store/container-row.ts';
import {
  activateNetwork,
  deactivateNetwork,
  idleNetworks,
  insertNetwork,
  isNetworkActive,
  noteIdleNetworks,
  releaseLeases,
  takeAddress,
} from '../../store/network-row.ts';
import { openStore, type Store } from '../../store/store.ts';
import { exampleContainer } from '../../store/testing.ts';
import { fakeShim } from '../testing.ts';
import { leaveIdleNetworks, releaseIdleNetworks, visitIdleNetworks } from './idle-network.ts';

/** A store with a network whose bridge is said to stand, and a container that may have its lease. */
function withStore(body: (store: Store, id: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const root = mkdtempSync(join(tmpdir(), 'onggi-idle-'));
    using _ = { [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
    using store = openStore(join(root, 's'));
    const place = { bridge: 'onggi0', subnet: '10.88.0.0/16', gateway: '10.88.0.1' };
    insertNetwork(store.database, { name: 'bridge', ...place, owner: 'onggi', created: 1 });
    activateNetwork(store.database, 'bridge');
    const row = exampleContainer('a', 'one', { networkMode: 'bridge' });
    insertContainer(store.database, row);
    await body(store, row.id);
  };
}

const lease = { network: 'bridge', address: '10.88.0.2' };

test(
  'a network in use is left alone by all',
  withStore(async (store, containerId) => {
    takeAddress(store.database, { ...lease, containerId });
    noteIdleNetworks(store.database, Date.now());
    const shim = fakeShim([]);
    await leaveIdleNetworks(store, shim.client);
    await releaseIdleNetworks(store);
    await visitIdleNetworks(store);
    assert.deepEqual([idleNetworks(store.database), shim.calls], [[], []]);
  }),
);

test(
  'the first who leaves an idle network calls a visitor, the next relies on that one',
  withStore(async (store, containerId) => {
    takeAddress(store.database, { ...lease, containerId });
    const now = Date.now();
    releaseLeases(store.database, containerId, now);
    assert.equal(idleNetworks(store.database)[0]?.idleSince, now);
    const [first, second] = [fakeShim([]), fakeShim([])];
    await leaveIdleNetworks(store, first.client);
    await leaveIdleNetworks(store, second.client);
    assert.deepEqual([first.calls, second.calls], [[['linger', 1000]], []]);
    const [idle] = idleNetworks(store.database);
    assert.ok(idle !== undefined && idle.visit >= now + 6000 && idle.visit <= Date.now() + 6000);
    // Others leave the bridge to the visitor: to remove it they would need the kernel, which refuses this test.
    await releaseIdleNetworks(store);
    assert.equal(idleNetworks(store.database).length, 1);
  }),
);

test(
  'somebody who uses it again before the visit keeps it',
  withStore(async (store, containerId) => {
    noteIdleNetworks(store.database, Date.now() - 500);
    const shim = fakeShim([]);
    await leaveIdleNetworks(store, shim.client);
    takeAddress(store.database, { ...lease, containerId });
    activateNetwork(store.database, 'bridge');
    await visitIdleNetworks(store);
    assert.deepEqual(idleNetworks(store.database), []);
    releaseLeases(store.database, containerId, Date.now());
    const [idle] = idleNetworks(store.database);
    assert.equal(idle?.visit, 0, 'nobody is expected any more');
  }),
);

test(
  'a bridge that was removed while somebody took a lease is still to be removed when that one has left',
  withStore(async (store, containerId) => {
    takeAddress(store.database, { ...lease, containerId });
    deactivateNetwork(store.database, 'bridge');
    assert.equal(isNetworkActive(store.database, 'bridge'), true);
    releaseLeases(store.database, containerId, Date.now());
    assert.equal(idleNetworks(store.database).length, 1);
    deactivateNetwork(store.database, 'bridge');
    assert.equal(isNetworkActive(store.database, 'bridge'), false);
    assert.deepEqual(idleNetworks(store.database), []);
  }),
);
