import { testParser } from '../testing.ts';
import { parseExpose } from './expose.ts';

testParser(
  '--expose',
  parseExpose,
  [
    ['80', ['80/tcp']],
    ['80/UDP', ['80/udp']],
    ['8000-8002', ['8000/tcp', '8001/tcp', '8002/tcp']],
    ['9/sctp', ['9/sctp']],
  ],
  [
    ['80:80', 'invalid port format for --expose: 80:80'],
    ['x', 'invalid range format for --expose: x, error: strconv.ParseUint: parsing "x": invalid syntax'],
    ['80-', /parsing "": invalid syntax$/],
    ['90-80', 'invalid range format for --expose: 90-80, error: invalid range specified for port: 90-80'],
    ['70000', /^invalid range format for --expose: 70000, error: .* parsing "70000": value out of range$/],
    ['80/foo', 'invalid proto: foo'],
    ['', /^invalid range format for --expose: , error: empty string specified for ports/],
  ],
);
