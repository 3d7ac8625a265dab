import { testParser } from '../testing.ts';
import { parseNetwork } from './network.ts';

testParser(
  'networks',
  parseNetwork,
  [
    ['none', 'none'],
    ['host', 'host'],
    ['default', 'bridge'],
    ['container:x', 'container:x'],
  ],
  [
    ['mynet', "network 'mynet' is not supported"],
    ['container:', "network 'container:' is not supported"],
    ['', 'empty network name'],
  ],
);
