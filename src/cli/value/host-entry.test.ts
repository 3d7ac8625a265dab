import { testParser } from '../testing.ts';
import { parseHostEntry, parseResolverWord, parseServer } from './host-entry.ts';

testParser(
  'host entries',
  parseHostEntry,
  [
    ['db:10.0.0.1', { name: 'db', address: '10.0.0.1' }],
    ['db=::1', { name: 'db', address: '::1' }],
    ['db:[fd00::1]', { name: 'db', address: 'fd00::1' }],
    ['up:host-gateway', { name: 'up', address: 'host-gateway' }],
  ],
  [
    ['db', 'bad format for add-host: "db"'],
    [':1.2.3.4', 'bad format for add-host: ":1.2.3.4"'],
    ['a b:1.2.3.4', 'bad format for add-host: "a b:1.2.3.4"'],
    ['db:1.2.3', 'invalid IP address in add-host: "1.2.3"'],
    ['db:1.2.3.4\nx', /invalid IP address/],
  ],
);

testParser('name servers', parseServer, [['1.1.1.1', '1.1.1.1']], [['one', 'one is not an ip address']]);
testParser('words of resolv.conf', parseResolverWord, [['ndots:2', 'ndots:2']], [['a b', /'a b' is not/]]);
