import { testParser } from '../testing.ts';
import { parseNetwork } from './network.ts';

testParser(
  'networks',
  parseNetwork,
  [
    ['none', 'none'],
    ['host', 'host'],
    ['default', 'bridge'],
  ],
  [
    ['mynet', "network 'mynet' is not supported"],
    ['container:x', "network 'container:x' is not supported"],
    ['', 'empty network name'],
  ],
);
