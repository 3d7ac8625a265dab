import { testParser } from '../testing.ts';
import { parseMount, parseTmpfs } from './mount.ts';

const bind = { type: 'bind', readOnly: false, propagation: 'rprivate', mustExist: true };

testParser(
  'mounts',
  parseMount,
  [
    ['type=bind,source=/a,target=/b', { ...bind, source: '/a', target: '/b' }],
    ['type=bind,src=/a,dst=/b,ro', { ...bind, source: '/a', target: '/b', readOnly: true }],
    ['type=bind,src=/a,dst=/b,readonly=false', { ...bind, source: '/a', target: '/b' }],
    ['"type=bind","src=/a,b",dst=/b', { ...bind, source: '/a,b', target: '/b' }],
    ['type=bind,src=/a,dst=/b,bind-propagation=shared', { ...bind, source: '/a', target: '/b', propagation: 'shared' }],
    ['type=BIND,SRC=/a,DST=/b,bind-propagation=RSlave', { ...bind, source: '/a', target: '/b', propagation: 'rslave' }],
    ['type=bind,src=/a,dst=/b,bind-nonrecursive=0,bind-recursive=enabled', { ...bind, source: '/a', target: '/b' }],
    [
      'type=bind,src=/a,dst=/b,bind-nonrecursive,bind-recursive=enabled',
      { ...bind, source: '/a', target: '/b', submounts: 'none' },
    ],
    ['type=bind,src=/a,dst=/b,U=true', { ...bind, source: '/a', target: '/b', chown: true }],
    ['type=bind,src=/a,dst=/b,relabel=private', { ...bind, source: '/a', target: '/b', relabel: 'private' }],
    ['type=bind,src=/a,dst=/b,chown=false', { ...bind, source: '/a', target: '/b' }],
    ['src=d,dst=/a,U', { type: 'volume', name: 'd', target: '/a', readOnly: false, copy: true, chown: true }],
    ['src=d,dst=/a', { type: 'volume', name: 'd', target: '/a', readOnly: false, copy: true }],
    ['type=volume,dst=/a,volume-nocopy', { type: 'volume', target: '/a', readOnly: false, copy: false }],
    [
      'type=volume,src=d,dst=/a,ro,volume-subpath=x/y,volume-opt=type=tmpfs,"volume-opt=o=size=1m,ro",volume-label=a',
      {
        type: 'volume',
        name: 'd',
        target: '/a',
        readOnly: true,
        copy: true,
        subpath: 'x/y',
        options: { type: 'tmpfs', o: 'size=1m,ro' },
        labels: { a: '' },
      },
    ],
    ['type=image,src=d:1,dst=/a', { type: 'image', source: 'd:1', target: '/a', readOnly: true }],
    [
      'type=image,source=d,target=/a,rw=true,subpath=/x/y',
      { type: 'image', source: 'd', target: '/a', readOnly: false, subpath: 'x/y' },
    ],
    [
      'type=bind,src=/a,dst=/x,bind-nonrecursive,bind-create-src=true',
      {
        type: 'bind',
        source: '/a',
        target: '/x',
        readOnly: false,
        propagation: 'rprivate',

        mustExist: false,
        submounts: 'none',
      },
    ],
    ['type=tmpfs,target=/t', { type: 'tmpfs', target: '/t', options: '' }],
    [
      'type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770,ro',
      { type: 'tmpfs', target: '/t', options: 'ro,size=1048576,mode=1770' },
    ],
  ],
  [
    ['foo', "invalid field 'foo' must be a key=value pair"],
    ['', "invalid field '' must be a key=value pair"],
    ['type=bind', 'target is required'],
    ['type=bind,dst=/b', 'source is required for a bind mount'],
    ['type=bind,src=rel,dst=/x', "invalid mount path: 'rel' mount path must be absolute"],
    ['type=bind,src=/a,dst=x', "invalid mount path: 'x' mount path must be absolute"],
    ['type=foo,dst=/a', "mount type unknown: 'foo'"],
    ['type=image,dst=/a', 'source is required for an image mount'],
    [
      'type=image,src=d,dst=/a,image-subpath=a/../../b',
      "subpath 'a/../../b' must be a relative path within what is mounted",
    ],
    ['type=image,src=d,dst=/a,image-subpath=/a', "subpath '/a' must be a relative path within what is mounted"],
    ['type=image,src=d,dst=/a,subpath=..', "subpath '..' must be a relative path within what is mounted"],
    ['type=volume,src=d,dst=/a,volume-subpath=/a', "subpath '/a' must be a relative path within what is mounted"],
    ['type=volume,src=d,dst=/a,volume-subpath=../a', "subpath '../a' must be a relative path within what is mounted"],
    ['type=volume,dst=/a,volume-subpath=b', "subpath 'b' of a volume without a name: a new one has nothing in it"],
    ['type=bind,src=/d,dst=/a,relabel=own', 'invalid value for relabel: own (must be "shared" or "private")'],
    ['type=tmpfs,dst=/a,U', "cannot mix 'chown' with mount type 'tmpfs'"],
    ['type=bind,src=/d,dst=/a,rw', "cannot mix 'rw' with mount type 'bind'"],
    ['type=npipe,src=d,dst=/a', "mount of type 'npipe' is not supported"],
    ['src=d,dst=/a,volume-driver=nfs', "volume driver 'nfs' is not supported"],
    ['src=d,dst=/a,bind-propagation=shared', "cannot mix 'bind-propagation' with mount type 'volume'"],
    ['type=bind,src=/tmp,dst=/x,foo=bar', "unexpected key 'foo' in 'foo=bar'"],
    [
      'type=bind,src=/a,dst=/x,bind-recursive=no',
      'invalid value for bind-recursive: no (must be "enabled", "disabled", "writable", or "readonly")',
    ],
    [
      'type=bind,src=/a,dst=/x,bind-recursive=writable',
      "option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction",
    ],
    [
      'type=bind,src=/a,dst=/x,ro,bind-recursive=readonly',
      "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction",
    ],
    [
      'type=bind,src=/a,dst=/x,ro,bind-nonrecursive,bind-recursive=writable',
      "cannot mix 'bind-nonrecursive' with 'bind-recursive=writable'",
    ],
    ['type=bind,src=/tmp,dst=/x,tmpfs-size=1', "cannot mix 'tmpfs-size' with mount type 'bind'"],
    ['type=bind,src=/tmp,dst=/x,bind-propagation=x', 'invalid value for bind-propagation: x'],
    ['type=tmpfs,src=/a,dst=/x', 'a tmpfs mount has no source'],
    ['type=tmpfs,dst=/x,tmpfs-size=foo', "invalid size: 'foo'"],
    ['type=tmpfs,dst=/x,tmpfs-mode=9', 'invalid value for tmpfs-mode: 9'],
    ['"type=bind', /not one line of comma-separated values/],
  ],
);

testParser(
  'tmpfs',
  parseTmpfs,
  [
    ['/run', { type: 'tmpfs', target: '/run', options: '' }],
    ['/run:size=64m,mode=1777', { type: 'tmpfs', target: '/run', options: 'size=64m,mode=1777' }],
  ],
  [['foo', "invalid mount path: 'foo' mount path must be absolute"]],
);
