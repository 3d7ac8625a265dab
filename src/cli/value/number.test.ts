import { testParser } from '../testing.ts';
import { integer, oneOf, parseBoolean, parseCpus } from './number.ts';

testParser(
  'cpus',
  parseCpus,
  [
    ['1.5', 1_500_000_000],
    ['0.000000001', 1],
    ['.5', 500_000_000],
    ['2.', 2_000_000_000],
    ['0', 0],
    ['1.500000000000', 1_500_000_000],
  ],
  [
    ['x', "'x' is not a decimal number of CPUs"],
    ['', "'' is not a decimal number of CPUs"],
    ['.', "'.' is not a decimal number of CPUs"],
    ['1.5.5', "'1.5.5' is not a decimal number of CPUs"],
    ['-1', "'-1' is not a decimal number of CPUs"],
    ['0.0000000001', 'value is too precise, it may have nine decimals'],
  ],
);

testParser(
  'whole numbers',
  integer(-1, 10),
  [
    ['-1', -1],
    ['+3', 3],
    ['10', 10],
  ],
  [
    ['', "'' is not a whole number"],
    ['1.5', "'1.5' is not a whole number"],
    ['11', '11 is out of range, it must be between -1 and 10'],
    ['-2', '-2 is out of range, it must be between -1 and 10'],
  ],
);

testParser(
  'truth',
  parseBoolean,
  [
    ['1', true],
    ['T', true],
    ['true', true],
    ['0', false],
    ['FALSE', false],
  ],
  [['yes', /yes/]],
);

testParser(
  'a word of a list',
  oneOf('pull option', ['always', 'never']),
  [['always', 'always']],
  [
    ['foo', 'invalid pull option: \'foo\': must be one of "always", "never"'],
    ['Always', /must be one of/],
  ],
);
