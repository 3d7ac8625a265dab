import { testParser } from '../testing.ts';
import { parseVolume } from './volume.ts';

const bind = { type: 'bind', readOnly: false, propagation: 'rprivate', mustExist: false };

testParser(
  'volumes',
  parseVolume,
  [
    ['/a:/b', { ...bind, source: '/a', target: '/b' }],
    ['/a:/b:ro', { ...bind, source: '/a', target: '/b', readOnly: true }],
    ['/a:/b:rw', { ...bind, source: '/a', target: '/b' }],
    ['/a:/b:ro,z', { ...bind, source: '/a', target: '/b', readOnly: true, relabel: 'shared' }],
    ['./a:/b', { ...bind, source: './a', target: '/b' }],
    ['..:/b:rslave', { ...bind, source: '..', target: '/b', propagation: 'rslave' }],
    ['data:/b', { type: 'volume', name: 'data', target: '/b', readOnly: false, copy: true }],
    ['data:/b:ro,nocopy', { type: 'volume', name: 'data', target: '/b', readOnly: true, copy: false }],
    ['/b', { type: 'volume', target: '/b', readOnly: false, copy: true }],
    ['/a:/b:U', { ...bind, source: '/a', target: '/b', chown: true }],
    ['data:/b:U,ro', { type: 'volume', name: 'data', target: '/b', readOnly: true, copy: true, chown: true }],
    ['/a:/b:cached', { ...bind, source: '/a', target: '/b' }],
  ],
  [
    ['', 'invalid empty volume spec'],
    ['/a:', 'invalid spec: /a:: empty section between colons'],
    [':/a', 'invalid spec: :/a: empty section between colons'],
    ['/a:b', "invalid mount path: 'b' mount path must be absolute"],
    ['/a:/', "invalid specification: destination can't be '/'"],
    ['/a:/./..', "invalid specification: destination can't be '/'"],
    ['/a:/b:foo', 'invalid mode: foo'],
    ['/a:/b:ro,rw', 'invalid mode: ro,rw'],
    ['/a:/b:U,U', 'invalid mode: U,U'],
    ['/a:/b:nocopy', 'invalid mode: nocopy'],
    ['/a:/b:c:d', "invalid volume specification: '/a:/b:c:d'"],
    ['data:/b:rslave', 'invalid mode: rslave'],
    ['b', "invalid mount path: 'b' mount path must be absolute"],
  ],
);
