import { testParser } from '../testing.ts';
import { parseDevice } from './device.ts';

testParser(
  'devices',
  parseDevice,
  [
    ['vendor.com/gpu=0', 'vendor.com/gpu=0'],
    ['/dev/fuse', { source: '/dev/fuse', target: '/dev/fuse', access: 'rwm' }],
    ['/dev/fuse:r', { source: '/dev/fuse', target: '/dev/fuse', access: 'r' }],
    ['/dev/sda:/dev/xvda', { source: '/dev/sda', target: '/dev/xvda', access: 'rwm' }],
    ['/dev/sda:/dev/xvda:rm', { source: '/dev/sda', target: '/dev/xvda', access: 'rm' }],
  ],
  [
    ['', /invalid device specification/],
    ['fuse', /not an absolute path/],
    ['/dev/a:x', 'invalid device mode: x'],
    ['/dev/a:/b:rr', 'invalid device mode: rr'],
    ['/dev/a:/b:r:w', /invalid device specification/],
  ],
);
