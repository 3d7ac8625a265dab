import { testParser } from '../testing.ts';
import { parseUlimit } from './ulimit.ts';

testParser(
  'ulimits',
  parseUlimit,
  [
    ['nofile=1024', { name: 'nofile', soft: 1024n, hard: 1024n }],
    ['nofile=1024:2048', { name: 'nofile', soft: 1024n, hard: 2048n }],
    ['core=-1', { name: 'core', soft: -1n, hard: -1n }],
    ['core=0:-1', { name: 'core', soft: 0n, hard: -1n }],
  ],
  [
    ['foo', 'invalid ulimit argument: foo'],
    ['foo=1', 'invalid ulimit type: foo'],
    ['nofile=x', "'x' is not a limit: a number, or -1"],
    ['nofile=', "'' is not a limit: a number, or -1"],
    ['nofile=5:3', 'ulimit soft limit must be less than or equal to hard limit: 5 > 3'],
    ['nofile=-1:3', 'ulimit soft limit must be less than or equal to hard limit: -1 > 3'],
    ['nofile=1:2:3', 'too many limit value arguments - 1:2:3, can only have up to two, soft[:hard]'],
  ],
);
