import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkLinkLocal,
  chooseAddress,
  chooseSubnet,
  formatAddress,
  formatMac,
  formatSubnet,
  gatewayOf,
  lastAddress,
  macOf,
  overlaps,
  parseAddress,
  parseMac,
  parseSubnet,
} from './address.ts';

const code = (expected: string) => (error: unknown) => Reflect.get(Object(error), 'code') === expected;

test('addresses are printed as they are parsed', () => {
  for (const [text, value] of [
    ['0.0.0.0', 0],
    ['10.88.0.1', 0x0a580001],
    ['127.255.0.9', 0x7fff0009],
    ['255.255.255.255', 0xffffffff],
  ] as const) {
    assert.equal(parseAddress(text), value);
    assert.equal(formatAddress(value), text);
  }
});

for (const text of [
  '',
  '1',
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '01.2.3.4',
  '1.2.3.4 ',
  '1.2.3.-4',
  '0x1.2.3.4',
  '::1',
  '1..2.3',
]) {
  test(`address "${text}" is refused`, () => assert.throws(() => parseAddress(text), code('invalid')));
}

test('subnets are printed as they are parsed', () => {
  for (const text of ['0.0.0.0/0', '10.0.0.0/8', '10.88.0.0/16', '192.168.1.128/25', '1.2.3.4/32']) {
    assert.equal(formatSubnet(parseSubnet(text)), text);
  }
  assert.equal(formatAddress(lastAddress(parseSubnet('10.88.0.0/16'))), '10.88.255.255');
  assert.equal(formatAddress(lastAddress(parseSubnet('128.0.0.0/1'))), '255.255.255.255');
  assert.equal(gatewayOf(parseSubnet('10.88.0.0/16')), '10.88.0.1');
});

for (const text of [
  '10.88.0.0',
  '10.88.0.0/',
  '10.88.0.0/33',
  '10.88.0.0/016',
  '10.88.0.0/-1',
  '10.88.0.1/16',
  '10.88.0.0/16/1',
]) {
  test(`subnet "${text}" is refused`, () => assert.throws(() => parseSubnet(text), code('invalid')));
}

test('overlap is mutual', () => {
  for (const [one, other, expected] of [
    ['10.0.0.0/8', '10.88.0.0/16', true],
    ['10.88.0.0/16', '10.88.0.0/16', true],
    ['10.88.0.0/16', '10.89.0.0/16', false],
    ['192.168.1.0/25', '192.168.1.128/25', false],
    ['0.0.0.0/0', '1.2.3.4/32', true],
  ] as const) {
    assert.equal(overlaps(parseSubnet(one), parseSubnet(other)), expected, `${one} ${other}`);
    assert.equal(overlaps(parseSubnet(other), parseSubnet(one)), expected, `${other} ${one}`);
  }
});

test('the lowest free address is chosen, never gateway, network or broadcast address', () => {
  const network = { subnet: '10.1.2.0/29', gateway: '10.1.2.1' };
  assert.equal(chooseAddress(network, []), '10.1.2.2');
  assert.equal(chooseAddress(network, ['10.1.2.2', '10.1.2.3', '10.1.2.5']), '10.1.2.4');
  assert.equal(chooseAddress({ ...network, gateway: '10.1.2.6' }, []), '10.1.2.1');
  const all = ['10.1.2.2', '10.1.2.3', '10.1.2.4', '10.1.2.5', '10.1.2.6'];
  assert.throws(() => chooseAddress(network, all), code('exhausted'));
});

test('a subnet is chosen that nothing overlaps', () => {
  assert.equal(chooseSubnet([]), '10.88.0.0/16');
  assert.equal(chooseSubnet(['0.0.0.0/0', '10.88.5.0/24', '172.17.0.0/16']), '10.89.0.0/16');
  assert.equal(chooseSubnet(['10.0.0.0/8']), '192.168.128.0/24');
  assert.equal(chooseSubnet(['10.0.0.0/8', '192.168.128.4/30', '192.168.129.0/24']), '192.168.130.0/24');
  assert.throws(() => chooseSubnet(['10.0.0.0/8', '192.168.0.0/16']), code('exhausted'));
});

test('a MAC address follows from the address, unicast and local', () => {
  const mac = macOf('10.88.0.2');
  assert.equal(formatMac(mac), '02:6f:0a:58:00:02');
  assert.equal((mac[0] ?? 0) & 3, 2);
});

test('a MAC address that is asked for is one of a single link', () => {
  assert.equal(formatMac(parseMac('02-42-AC-11-00-02')), '02:42:ac:11:00:02');
  for (const text of [
    '',
    '02:42:ac:11:00',
    '02:42-ac:11:00:02',
    '03:42:ac:11:00:02',
    '00:00:00:00:00:00',
    'g2:42:ac:11:00:02',
  ]) {
    assert.throws(() => parseMac(text), { code: 'invalid' }, text);
  }
});

test('link-local addresses are those of 169.254.0.0/16 and fe80::/10', () => {
  checkLinkLocal(['169.254.0.1', 'fe80::1', 'febf::']);
  for (const wrong of ['10.0.0.1', 'fec0::1', 'fd80::1', 'fe80:x']) {
    assert.throws(() => checkLinkLocal(['169.254.0.1', wrong]), { code: 'invalid' }, wrong);
  }
});
