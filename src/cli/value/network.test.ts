import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testParser } from '../testing.ts';
import { chosenNetwork, parseLinkLocal, parseNetwork } from './network.ts';

const parsed = (...texts: string[]) => chosenNetwork(texts.map(parseNetwork));

testParser(
  'networks',
  parsed,
  [
    ['none', 'none'],
    ['host', 'host'],
    ['default', 'bridge'],
    ['container:x', 'container:x'],
    ['name=bridge', 'bridge'],
    ['Name = none , gw-priority=3', 'none'],
  ],
  [
    ['mynet', 'network mynet not found'],
    ['container:', 'network container: not found'],
    ['', 'no name set for network'],
    ['alias=x', 'network name/id is not specified'],
    ['bridge,foo=1', 'invalid field bridge'],
    ['name=bridge,foo=1', 'invalid field key foo'],
    ['name=bridge,ip=1.2.3', 'invalid IPv4 address: 1.2.3'],
    ['name=bridge,ip6=1.2.3.4', 'invalid IPv6 address: 1.2.3.4'],
    ['name=bridge,mac-address=x', 'x is not a valid mac address'],
    ['name=bridge,driver-opt=a=b', "driver-opt of a network ('a=b') is not supported"],
  ],
);

test('there is one network at a time', () => {
  assert.equal(parsed(), undefined);
  assert.throws(() => parsed('bridge', 'none'), {
    message: 'Container cannot be connected to network endpoints: bridge, none',
  });
  assert.throws(() => parsed('default', 'bridge'), { message: 'network "bridge" is specified multiple times' });
});

testParser(
  'link-local addresses',
  parseLinkLocal,
  [
    ['169.254.7.8', '169.254.7.8'],
    ['fe80::1', 'fe80::1'],
  ],
  [
    ['10.0.0.1', 'invalid link-local IP address: 10.0.0.1'],
    ['fd00::1', 'invalid link-local IP address: fd00::1'],
    ['fe80:x', 'invalid link-local IP address: fe80:x'],
  ],
);
