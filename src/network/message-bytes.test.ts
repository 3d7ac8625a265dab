/**
 * The bytes of every message that onggi sends, as `testdata/messages.txt` has them. That they mean what they should is
 * shown by test/system/network.test.ts, where the kernel, ip and nft read them; here, that they don't change unseen.
 * `ONGGI_UPDATE=1 node --test FILE` writes them anew.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { macOf, parseAddress } from './address.ts';
import { encodeMessages, flags, type Message } from './netlink-message.ts';
import { batch, deleteTable, getTable, listChains, listTables } from './nftables.ts';
import { configureBridge, deleteLink, getLink, listLinks, listRoutes, newAddress, newBridge } from './route.ts';
import { forwardingRules, linkNames, networkRules, publication } from './rules.ts';
import { loopbackStep, vethSteps } from './veth.ts';

const network = { name: 'bridge', bridge: 'onggi0', subnet: '10.88.0.0/16', gateway: '10.88.0.1', owner: '/store' };
const endpoint = { containerId: 'c0ffee', address: '10.88.0.2', nonce: '0123456789abcdef0123' };
const steps = vethSteps(network, { index: 7, mtu: 1500 }, endpoint);
const ports = [
  { hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
  { hostIp: '127.0.0.1', hostPort: 53, containerPort: 5353, protocol: 'udp' },
] as const;

/** Eight bytes a line, so that a difference shows where it is. */
function dump(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('hex');
  return (text.match(/.{1,16}/g) ?? []).map((line) => line.replace(/(.{8})(?=.)/, '$1 ')).join('\n');
}

function section(title: string, bytes: Uint8Array, pidAt: readonly number[] = []): string {
  return `# ${title}${pidAt.length > 0 ? `, pid at ${pidAt.join(', ')}` : ''}\n${dump(bytes)}\n`;
}

function all(): string {
  const messages: readonly (readonly [string, readonly Message[]])[] = [
    ['bridge', [newBridge({ name: 'onggi0', index: 7, mac: macOf('10.88.0.1'), mtu: 1500 })]],
    ['its mark', [configureBridge(7, 'onggi:/store')]],
    ['its address', [newAddress(7, parseAddress('10.88.0.1'), 16)]],
    ['one link', [getLink('onggi0')]],
    ['all links', [listLinks()]],
    ['all routes', [listRoutes()]],
    ['away with it', [deleteLink(7, 'onggi0')]],
    ['rules of a network', networkRules(network)],
    ['published ports', publication('onggi0', 'c0ffee', '10.88.0.2', ports)],
    ['rules of forwarding', forwardingRules(['eth0', 'eth1'])],
    ['links that it knows', [linkNames()]],
    ['one table', [getTable('onggi-onggi0')]],
    ['all tables', [listTables()]],
    ['all chains', [listChains()]],
    ['a table deleted', batch([deleteTable('onggi-onggi0')])],
  ];
  const planned = [steps.attach, steps.init, loopbackStep()].flatMap(({ messages, what }) =>
    messages.map(({ bytes, pidAt }) => section(what, bytes, pidAt)),
  );
  return [...messages.map(([title, list]) => section(title, encodeMessages(list).bytes)), ...planned].join('\n');
}

test('the bytes of all messages are those of testdata/messages.txt', () => {
  const path = join(import.meta.dirname, 'testdata/messages.txt');
  if (process.env['ONGGI_UPDATE'] !== undefined) writeFileSync(path, all());
  assert.equal(all(), readFileSync(path, 'utf8'));
});

test('every change asks for an acknowledgement, and nothing else does', () => {
  const changes = [
    ...networkRules(network),
    ...publication('onggi0', 'id', '10.88.0.2', ports),
    ...forwardingRules([]),
  ];
  const silent = changes.filter((message) => (message.flags & flags.ack) === 0).map(({ what }) => what);
  // The brackets of three batches.
  assert.deepEqual(new Set(silent), new Set(['begin a batch of rules', 'commit a batch of rules']));
  assert.equal(silent.length, 6);
});

test('what a plan says of its network', () => {
  assert.equal(steps.attach.what, 'connect to network "bridge"');
  assert.deepEqual(
    [...steps.attach.messages, ...steps.init.messages].map(({ what }) => what),
    [
      'veth "veth0123456789a" on bridge "onggi0", its peer "eth0" in the container',
      'lo up, "eth0" up with 10.88.0.2/16, route by 10.88.0.1',
    ],
  );
  // The peer goes where the init is; nothing inside knows a host pid.
  assert.deepEqual(
    steps.attach.messages.map(({ pidAt }) => pidAt.length),
    [1],
  );
  assert.deepEqual(
    steps.init.messages.map(({ pidAt }) => pidAt.length),
    [0],
  );
});

test('two starts never ask for the same link', () => {
  const other = vethSteps(network, { index: 7, mtu: 1500 }, { ...endpoint, nonce: 'ffffffffffffffffffff' });
  assert.notDeepEqual(other.attach.messages[0]?.bytes, steps.attach.messages[0]?.bytes);
  assert.deepEqual(other.init, steps.init);
});
