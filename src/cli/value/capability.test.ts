import { testParser } from '../testing.ts';
import { parseCapability } from './capability.ts';

testParser(
  'capabilities',
  parseCapability,
  [
    ['net_admin', 'NET_ADMIN'],
    ['CAP_SYS_TIME', 'SYS_TIME'],
    ['all', 'ALL'],
  ],
  [
    ['', 'unknown capability: ""'],
    ['a b', 'unknown capability: "a b"'],
  ],
);
