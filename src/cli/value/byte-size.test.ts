import { testParser } from '../testing.ts';
import { parseByteSize, parseByteSizeOrUnlimited } from './byte-size.ts';

testParser(
  'sizes',
  parseByteSize,
  [
    ['0', 0],
    ['64', 64],
    ['64b', 64],
    ['1k', 1024],
    ['1kb', 1024],
    ['1KiB', 1024],
    ['512m', 536870912],
    ['512M', 536870912],
    ['1.5g', 1610612736],
    ['.5k', 512],
    ['1 m', 1048576],
    ['2t', 2199023255552],
  ],
  [
    ['', "invalid size: ''"],
    ['foo', "invalid size: 'foo'"],
    ['-5', "invalid size: '-5'"],
    ['1x', "invalid suffix: 'x'"],
    ['1mx', "invalid suffix: 'mx'"],
    ['1bb', "invalid suffix: 'bb'"],
    ['1.2.3m', "invalid size: '1.2.3m'"],
    ['1e3', "invalid size: '1e3'"],
    ['9007199254740993', /more than 2\^53/],
    ['99999p', /more than 2\^53/],
  ],
);

testParser(
  'swap',
  parseByteSizeOrUnlimited,
  [
    ['-1', -1],
    ['1g', 2 ** 30],
  ],
  [['-2', "invalid size: '-2'"]],
);
