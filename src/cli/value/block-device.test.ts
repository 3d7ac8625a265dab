import { testParser } from '../testing.ts';
import { parseBitRate, parseDeviceRule, parseOperationRate, parseWeightDevice } from './block-device.ts';

testParser(
  '--blkio-weight-device',
  parseWeightDevice,
  [
    ['/dev/sda:200', { path: '/dev/sda', weight: 200 }],
    ['/dev/disk/by-id/x:10', { path: '/dev/disk/by-id/x', weight: 10 }],
  ],
  [
    ['/dev/sda', 'bad format: /dev/sda'],
    ['sda:200', 'bad format for device path: sda:200'],
    ['/dev/sda:5', 'invalid weight for device: /dev/sda:5'],
    ['/dev/sda:1001', 'invalid weight for device: /dev/sda:1001'],
    ['/dev/sda:x', 'invalid weight for device: /dev/sda:x'],
  ],
);

testParser(
  '--device-read-bps',
  parseBitRate,
  [
    ['/dev/sda:1mb', { path: '/dev/sda', rate: 1 << 20 }],
    ['/dev/sda:1000', { path: '/dev/sda', rate: 1000 }],
  ],
  [
    ['/dev/sda:', /^invalid rate for device: \/dev\/sda:\. The correct format is <device-path>:<number>\[<unit>\]/],
    ['/dev/sda:-1', /Unit is optional and can be kb, mb, or gb$/],
    ['x:1', 'bad format for device path: x:1'],
  ],
);

testParser(
  '--device-read-iops',
  parseOperationRate,
  [['/dev/sda:100', { path: '/dev/sda', rate: 100 }]],
  [['/dev/sda:1k', /^invalid rate for device: .* Number must be a positive integer\.$/]],
);

testParser(
  '--device-cgroup-rule',
  parseDeviceRule,
  [
    ['c 13:* rwm', { type: 'c', major: 13, minor: -1, access: 'rwm' }],
    ['a *:* r', { type: 'a', major: -1, minor: -1, access: 'r' }],
  ],
  [
    ['c 13:*', "invalid device cgroup format 'c 13:*'"],
    ['d 13:* rwm', "invalid device cgroup format 'd 13:* rwm'"],
    ['c x:* rwm', "invalid device cgroup format 'c x:* rwm'"],
  ],
);
