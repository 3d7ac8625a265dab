import { testParser } from '../testing.ts';
import { parseIdMap, parseUserNamespace } from './user-namespace.ts';

testParser(
  'user namespaces',
  parseUserNamespace,
  [
    ['', 'host'],
    ['host', 'host'],
    ['remap', 'remap'],
    ['private', 'private'],
    ['container:x', 'container:x'],
    ['auto', { kind: 'auto' }],
    ['auto:size=2000', { kind: 'auto', size: 2000 }],
    ['auto:size=0', { kind: 'auto' }],
    [
      'auto:uidmapping=0:5:1,size=9,uidmapping=3:7:2,gidmapping=1:1:1',
      {
        kind: 'auto',
        size: 9,
        uids: [
          { containerId: 0, hostId: 5, size: 1 },
          { containerId: 3, hostId: 7, size: 2 },
        ],
        gids: [{ containerId: 1, hostId: 1, size: 1 }],
      },
    ],
    ['keep-id', { kind: 'keep-id' }],
    ['keep-id:uid=5,gid=6', { kind: 'keep-id', uid: 5, gid: 6 }],
    ['nomap', { kind: 'nomap' }],
  ],
  [
    ['mine', "invalid USER mode: 'mine'"],
    ['auto:uid=5', "invalid USER mode: 'auto:uid=5': unknown option 'uid=5'"],
    ['auto:uidmapping=5:6', "invalid USER mode: 'auto:uidmapping=5:6': unknown option 'uidmapping=5:6'"],
    ['auto:gidmapping=0:0:0', "'0:0:0' is not of the form CONTAINER-ID:HOST-ID:SIZE"],
    ['keep-id:uid=x', "invalid USER mode: 'keep-id:uid=x': unknown option 'uid=x'"],
  ],
);

testParser(
  'lines of id maps',
  parseIdMap,
  [
    ['0:1000:5', { containerId: 0, hostId: 1000, size: 5 }],
    ['0:1000', { containerId: 0, hostId: 1000, size: 1 }],
  ],
  [
    ['0', "'0' is not of the form CONTAINER-ID:HOST-ID:SIZE"],
    ['0:0:0', "'0:0:0' is not of the form CONTAINER-ID:HOST-ID:SIZE"],
    ['0:4294967295:2', "'0:4294967295:2' is not of the form CONTAINER-ID:HOST-ID:SIZE"],
  ],
);
