/** Bundles about the root file system and mounts: config.md#root, config.md#mounts, the paths of config-linux.md. */
import { type Bundle, type Difference, predates, specOf } from './bundle.ts';

/** What lies over a masked path is the runtime's choice; the fields stay, so that a change of it is seen. */
const masks: readonly Difference[] = (['runc', 'crun'] as const).flatMap((runtime) =>
  ['/secret', '/sys/firmware'].flatMap((path) =>
    ['super', 'options'].map((field) => ({
      runtime,
      field: `mounts.${path}.${field}`,
      why: `${runtime} covers directories with a tmpfs of other limits, and without nosuid, nodev and noexec`,
    })),
  ),
);

const maskedFiles: readonly Difference[] = ['/etc/secret', '/proc/timer_list'].map((path) => ({
  runtime: 'crun',
  field: `mounts.${path}.*`,
  why: "crun covers files with the machine's /dev/null, the others with the container's",
}));

export const mountBundles: readonly Bundle[] = [
  {
    name: 'readonly-root',
    section: 'config.md#root',
    about: 'a read-only root; mounts in it stay as they are',
    spec: () =>
      specOf({
        ask: ['create:/', 'create:/etc', 'create:/dev/shm'],
        root: { path: 'rootfs', readonly: true },
      }),
    expect: {
      exit: 0,
      'paths.create:/': 'Read-only file system',
      'paths.create:/etc': 'Read-only file system',
      'paths.create:/dev/shm': 'made 0644 0:0',
    },
  },
  {
    name: 'bind-mounts',
    section: 'config.md#linux-mount-options',
    about: 'bind and rbind, of a directory and a file, with restrictions',
    setup: 'mkdir -p src/sub; echo text >src/file; mount -t tmpfs -o mode=755 sub src/sub; touch src/sub/inner',
    spec: ({ bundle }) =>
      specOf({
        ask: ['list:/bind/sub', 'list:/rbind/sub', 'create:/bind', 'create:/ro', 'create:/ro/sub', 'content:/etc/file'],
        mounts: [
          { destination: '/bind', type: 'bind', source: `${bundle}/src`, options: ['bind'] },
          { destination: '/rbind', type: 'bind', source: 'src', options: ['rbind', 'nosuid', 'nodev', 'noexec'] },
          { destination: '/ro', source: `${bundle}/src`, options: ['rbind', 'ro', 'noatime'] },
          { destination: '/etc/file', type: 'none', source: `${bundle}/src/file`, options: ['bind', 'ro'] },
        ],
      }),
    expect: {
      exit: 0,
      'paths.list:/bind/sub': '',
      'paths.list:/rbind/sub': 'inner',
      'paths.create:/bind': 'made 0644 0:0',
      'paths.create:/ro': 'Read-only file system',
      // `ro` is of the mount alone; `rro` is what reaches those below.
      'paths.create:/ro/sub': 'made 0644 0:0',
      'paths.content:/etc/file': 'text\n',
      'mounts./rbind.options': 'nodev,noexec,nosuid,relatime,rw',
    },
    differences: [{ runtime: 'runc', field: 'left./etc/file', why: 'runc makes files as mount points executable' }],
  },
  {
    name: 'recursive-options',
    section: 'config.md#linux-mount-options',
    about: 'rro, rnosuid and rnoexec reach the mounts below, rrw lifts',
    setup: 'mkdir -p src/sub; mount -t tmpfs -o mode=755 sub src/sub',
    spec: ({ bundle }) =>
      specOf({
        ask: ['create:/rro/sub', 'create:/rest/sub'],
        mounts: [
          { destination: '/rro', type: 'bind', source: `${bundle}/src`, options: ['rbind', 'rro'] },
          {
            destination: '/rest',
            type: 'bind',
            source: `${bundle}/src`,
            options: ['rbind', 'rnosuid', 'rnoexec', 'rnodev'],
          },
        ],
      }),
    expect: {
      exit: 0,
      'paths.create:/rro/sub': 'Read-only file system',
      'paths.create:/rest/sub': 'made 0644 0:0',
      'mounts./rro/sub.options': 'relatime,ro',
      'mounts./rest/sub.options': 'nodev,noexec,nosuid,relatime,rw',
    },
  },
  {
    name: 'mount-propagation',
    section: 'config.md#linux-mount-options',
    about: 'shared, slave, private and unbindable mounts of a shared source',
    setup: 'mkdir src; mount -t tmpfs src src; mount --make-shared src; mkdir src/sub; mount -t tmpfs sub src/sub',
    spec: ({ bundle }) =>
      specOf({
        mounts: (['rshared', 'rslave', 'rprivate', 'shared', 'slave', 'private'] as const).map((word) => ({
          destination: `/${word}`,
          type: 'bind',
          source: `${bundle}/src`,
          options: ['rbind', word],
        })),
      }),
    expect: {
      exit: 0,
      'mounts./rslave.propagation': 'master',
      'mounts./rslave/sub.propagation': 'master',
      'mounts./rprivate.propagation': 'private',
      'mounts./rprivate/sub.propagation': 'private',
    },
    differences: [
      {
        runtime: 'crun',
        field: 'mounts./*.propagation',
        why: 'crun makes all mounts private first, so nothing is left to be the slave of',
      },
    ],
  },
  {
    name: 'shared-volume',
    section: 'config-linux.md#rootfs-mount-propagation',
    about: 'a shared bind mount in a root that is shared stays a peer of its source',
    setup: 'mkdir src; mount -t tmpfs src src; mount --make-shared src',
    spec: ({ bundle }) =>
      specOf({
        mounts: [{ destination: '/volume', type: 'bind', source: `${bundle}/src`, options: ['rbind', 'rshared'] }],
        linux: { rootfsPropagation: 'rshared' },
      }),
    expect: { exit: 0, 'mounts./volume.propagation': 'shared' },
    differences: [
      {
        runtime: 'runc',
        field: 'mounts./*.propagation',
        why: 'runc makes the root private again before it pivots, and so the mounts that it makes below',
      },
    ],
  },
  {
    name: 'tmpfs',
    section: 'config.md#linux-mount-options',
    about: 'data of a tmpfs; tmpcopyup takes along what lies under it',
    setup:
      'mkdir -p rootfs/var/deep; echo kept >rootfs/var/deep/file; chmod 700 rootfs/var/deep; ln -s deep rootfs/var/link',
    spec: () =>
      specOf({
        ask: ['stat:/data', 'stat:/var/deep', 'content:/var/deep/file', 'stat:/var/link', 'stat:/plain'],
        mounts: [
          {
            destination: '/data',
            type: 'tmpfs',
            source: 'data',
            options: ['size=64k', 'mode=1750', 'uid=7', 'gid=8', 'nr_inodes=20'],
          },
          { destination: '/var', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'noexec'] },
          { destination: '/plain', type: 'tmpfs', source: 'tmpfs', options: ['ro'] },
        ],
      }),
    expect: {
      exit: 0,
      'paths.stat:/data': 'directory 1750 7:8',
      'paths.stat:/var/deep': 'directory 0700 0:0',
      'paths.content:/var/deep/file': 'kept\n',
      'paths.stat:/var/link': 'link 0:0 deep',
    },
    differences: (['runc', 'crun'] as const).map((runtime) => ({
      runtime,
      field: 'mounts./var.super',
      why: `${runtime} leaves the mode of a tmpfs at 1777 where onggi gives it that of the directory that it covers`,
    })),
  },
  {
    name: 'mount-options',
    section: 'config.md#linux-mount-options',
    about: 'times, synchronous writes and the words that lift an earlier one',
    spec: () =>
      specOf({
        mounts: [
          ['noatime'],
          ['relatime'],
          ['strictatime'],
          ['nodiratime'],
          ['sync', 'dirsync'],
          ['nosuid', 'suid', 'nodev', 'dev', 'noexec', 'exec', 'ro', 'rw'],
          ['mand'],
        ].map((options) => ({ destination: `/${options.join('-')}`, type: 'tmpfs', source: 'tmpfs', options })),
      }),
    expect: {
      exit: 0,
      'mounts./noatime.options': 'noatime,rw',
      'mounts./relatime.options': 'relatime,rw',
      'mounts./strictatime.options': 'rw',
      'mounts./nosuid-suid-nodev-dev-noexec-exec-ro-rw.options': 'relatime,rw',
    },
    differences: [
      {
        runtime: 'crun',
        field: 'mounts./nosuid-suid-*.options',
        why: 'crun keeps a flag that a later word of the same mount lifts',
      },
    ],
  },
  {
    name: 'mount-points',
    section: 'config.md#mounts',
    about: 'mount points that are missing are made: directories, and files for files',
    setup: 'mkdir src; echo text >file',
    spec: ({ bundle }) =>
      specOf({
        ask: ['content:/a/new/file', 'stat:/a/new', 'stat:/srv/deep/er'],
        mounts: [
          { destination: '/a/new/file', type: 'bind', source: `${bundle}/file`, options: ['bind'] },
          { destination: '/srv/deep/er', type: 'bind', source: `${bundle}/src`, options: ['bind'] },
          { destination: '/srv/deep/er/tmpfs', type: 'tmpfs', source: 'tmpfs' },
        ],
      }),
    expect: { exit: 0, 'paths.content:/a/new/file': 'text\n', 'paths.stat:/a/new': 'directory 0755 0:0' },
    differences: [{ runtime: 'runc', field: 'left./a/new/file', why: 'runc makes files as mount points executable' }],
  },
  {
    name: 'symlinked-targets',
    section: 'config.md#mounts',
    about: 'links in the root file system, absolute and upwards, lead to places inside it',
    setup: [
      'mkdir -p src rootfs/var/run rootfs/real; echo text >src/file',
      'ln -s /real rootfs/absolute; ln -s ../../../../../../real rootfs/var/upwards',
    ].join('; '),
    spec: ({ bundle }) =>
      specOf({
        ask: ['list:/real/one', 'list:/real/two', 'stat:/absolute'],
        mounts: ['/absolute/one', '/var/upwards/two'].map((destination) => ({
          destination,
          type: 'bind',
          source: `${bundle}/src`,
          options: ['bind', 'ro'],
        })),
      }),
    expect: {
      exit: 0,
      'paths.list:/real/one': 'file',
      'paths.list:/real/two': 'file',
      'paths.stat:/absolute': 'link 0:0 /real',
    },
  },
  {
    name: 'dangling-target',
    section: 'config.md#mounts',
    about: 'a mount point that is a link to what does not exist',
    setup: 'mkdir src; touch src/file; ln -s /new rootfs/dangling',
    spec: ({ bundle }) =>
      specOf({
        ask: ['stat:/dangling', 'list:/new'],
        mounts: [{ destination: '/dangling', type: 'bind', source: `${bundle}/src`, options: ['bind', 'ro'] }],
      }),
    expect: { exit: 0, 'paths.list:/new': 'file', 'paths.stat:/dangling': 'link 0:0 /new' },
    refused: { crun: 'crun makes no mount point behind a link that leads nowhere' },
  },
  {
    name: 'idmapped-mounts',
    section: 'config.md#mounts',
    about: 'a bind mount with the ids of its files mapped',
    setup: 'mkdir src; touch src/seven; chown 7:8 src/seven',
    spec: ({ bundle }) =>
      specOf({
        ask: ['stat:/mapped/seven', 'create:/mapped'],
        mounts: [
          {
            destination: '/mapped',
            type: 'bind',
            source: `${bundle}/src`,
            options: ['bind', 'idmap'],
            uidMappings: [{ containerID: 0, hostID: 1000, size: 100 }],
            gidMappings: [{ containerID: 0, hostID: 2000, size: 100 }],
          },
        ],
      }),
    // Root of the container has no id in the mapping, so it can't make a file there.
    expect: {
      exit: 0,
      'paths.stat:/mapped/seven': 'file 0644 1007:2008',
      'paths.create:/mapped': 'Value too large for data type',
    },
    differences: [...predates('runc', 'paths.*'), ...predates('runc', 'mounts./mapped.options')],
  },
  {
    name: 'masked-paths',
    section: 'config-linux.md#masked-paths',
    about: 'masked files and directories are empty; what is missing is passed over',
    setup: 'mkdir rootfs/secret; touch rootfs/secret/file; echo secret >rootfs/etc/secret',
    spec: () =>
      specOf({
        ask: [
          'list:/secret',
          'content:/etc/secret',
          'content:/proc/timer_list',
          'list:/sys/firmware',
          'create:/secret',
        ],
        linux: { maskedPaths: ['/secret', '/etc/secret', '/proc/timer_list', '/sys/firmware', '/is/not/there'] },
      }),
    expect: {
      exit: 0,
      'paths.list:/secret': '',
      'paths.content:/etc/secret': '',
      'paths.content:/proc/timer_list': '',
      'paths.list:/sys/firmware': '',
      'paths.create:/secret': 'Read-only file system',
    },
    differences: [...masks, ...maskedFiles],
  },
  {
    name: 'readonly-paths',
    section: 'config-linux.md#readonly-paths',
    about: 'read-only files and directories; what is missing is passed over',
    setup: 'mkdir rootfs/fixed; touch rootfs/etc/fixed',
    spec: () =>
      specOf({
        ask: ['create:/fixed', 'open:/etc/fixed', 'open:/proc/sys/kernel/panic', 'create:/etc'],
        linux: { readonlyPaths: ['/fixed', '/etc/fixed', '/proc/sys', '/is/not/there'] },
      }),
    expect: {
      exit: 0,
      'paths.create:/fixed': 'Read-only file system',
      'paths.open:/etc/fixed': 'Read-only file system',
      'paths.open:/proc/sys/kernel/panic': 'Read-only file system',
      'paths.create:/etc': 'made 0644 0:0',
    },
  },
  {
    name: 'root-propagation',
    section: 'config-linux.md#rootfs-mount-propagation',
    about: 'rootfsPropagation shared, below a shared mount',
    setup: 'mount --bind . .; cd "$PWD"; mount --make-shared .',
    spec: () => specOf({ linux: { rootfsPropagation: 'shared' } }),
    expect: { exit: 0, 'mounts./.propagation': 'shared' },
    differences: [
      { runtime: 'runc', field: 'mounts./.propagation', why: 'runc makes the root private again before it pivots' },
    ],
  },
];
