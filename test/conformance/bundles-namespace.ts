/** Bundles about namespaces, new and joined, and what they hold: config-linux.md#namespaces. */
import type { NamespaceName, Spec } from '../../src/oci/runtime-spec.ts';
import { type Bundle, predates, specOf } from './bundle.ts';

/** File names of /proc/PID/ns. */
const files: Readonly<Record<NamespaceName, string>> = {
  pid: 'pid',
  network: 'net',
  mount: 'mnt',
  ipc: 'ipc',
  uts: 'uts',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
};

type Namespaces = NonNullable<NonNullable<Spec['linux']>['namespaces']>;

/** Those of `names` are new, those of `joined` are entered. */
function namespaces(names: readonly NamespaceName[], joined: readonly NamespaceName[] = [], path = ''): Namespaces {
  return [...names.map((type) => ({ type })), ...joined.map((type) => ({ type, path: `${path}/${files[type]}` }))];
}

/** Host ids of containers with a user namespace; nobody has them. */
const mapped = [{ containerID: 0, hostID: 1_000_000, size: 65_536 }];

export const namespaceBundles: readonly Bundle[] = [
  {
    name: 'hostname',
    section: 'config.md#hostname',
    about: 'hostname and domainname',
    spec: () => specOf({ ociVersion: '1.1.0', hostname: 'jar', domainname: 'example.org' }),
    expect: { exit: 0, hostname: 'jar', domainname: 'example.org' },
    differences: predates('runc', 'domainname'),
  },
  {
    name: 'new-namespaces',
    section: 'config-linux.md#namespaces',
    about: 'one new namespace of each kind but user and time',
    spec: () =>
      specOf({
        linux: { namespaces: namespaces(['pid', 'network', 'mount', 'ipc', 'uts', 'cgroup']) },
      }),
    expect: {
      exit: 0,
      ...Object.fromEntries(['pid', 'net', 'mnt', 'ipc', 'uts', 'cgroup'].map((name) => [`namespaces.${name}`, 'new'])),
      'namespaces.user': 'host',
      interfaces: '["lo"]',
      pid: 1,
    },
  },
  {
    name: 'few-namespaces',
    section: 'config-linux.md#namespaces',
    about: "a mount namespace only, the others are the runtime's",
    spec: () => {
      const { hostname: _hostname, ...spec } = specOf({ linux: { namespaces: namespaces(['mount']) } });
      return { ...spec, mounts: (spec.mounts ?? []).filter((mount) => mount.type !== 'sysfs') };
    },
    expect: {
      exit: 0,
      'namespaces.mnt': 'new',
      ...Object.fromEntries(
        ['pid', 'net', 'ipc', 'uts', 'cgroup', 'user', 'time'].map((name) => [`namespaces.${name}`, 'host']),
      ),
    },
  },
  {
    name: 'joined-namespaces',
    section: 'config-linux.md#namespaces',
    about: 'network, uts, ipc and cgroup namespaces joined by path',
    spec: (place) => {
      const joined = namespaces(['pid', 'mount'], ['network', 'uts', 'ipc', 'cgroup'], place.namespaces);
      const { hostname: _hostname, ...spec } = specOf({ linux: { namespaces: joined } });
      return spec;
    },
    expect: {
      exit: 0,
      hostname: 'joined',
      'namespaces.net': 'joined',
      'namespaces.uts': 'joined',
      'namespaces.ipc': 'joined',
      'namespaces.cgroup': 'joined',
      'namespaces.pid': 'new',
      'namespaces.mnt': 'new',
    },
  },
  {
    name: 'joined-pid',
    section: 'config-linux.md#namespaces',
    about: 'a pid namespace joined by path',
    spec: (place) =>
      specOf({ linux: { namespaces: namespaces(['mount', 'uts', 'ipc', 'network'], ['pid'], place.namespaces) } }),
    expect: { exit: 0, 'namespaces.pid': 'joined' },
  },
  {
    name: 'user-namespace',
    section: 'config-linux.md#user-namespace-mappings',
    about: 'a user namespace with mappings of uids and gids',
    needs: ['user-namespace'],
    // The runtimes make the device nodes as bind mounts, and files of the image belong to nobody they know.
    setup: 'chown -R 1000000:1000000 rootfs',
    spec: () =>
      specOf({
        ask: ['stat:/onggi-probe', 'stat:/dev/null', 'create:/tmp', 'open:/dev/null', 'open:/dev/zero'],
        process: { user: { uid: 5, gid: 6, additionalGids: [7] } },
        linux: {
          namespaces: namespaces(['user', 'pid', 'network', 'mount', 'ipc', 'uts', 'cgroup']),
          uidMappings: mapped,
          gidMappings: mapped,
        },
      }),
    expect: {
      exit: 0,
      'namespaces.user': 'new',
      uidMap: '["         0    1000000      65536"]',
      gidMap: '["         0    1000000      65536"]',
      uids: '[5,5,5]',
      gids: '[6,6,6]',
      groups: '[7]',
      'paths.stat:/onggi-probe': 'file 0755 0:0',
      'paths.open:/dev/null': 'opened',
    },
    differences: [
      {
        runtime: 'crun',
        field: 'mounts./dev/*.options',
        why: "crun binds the machine's devices with nosuid and noexec",
      },
    ],
  },
  {
    name: 'time-offsets',
    section: 'config-linux.md#offset-for-time-namespace',
    about: 'offsets of both clocks of a time namespace',
    needs: ['time-namespace'],
    spec: () =>
      specOf({
        ociVersion: '1.1.0',
        linux: {
          namespaces: namespaces(['pid', 'mount', 'time', 'uts', 'ipc', 'network']),
          timeOffsets: { monotonic: { secs: 3600, nanosecs: 5 }, boottime: { secs: 86_400 } },
        },
      }),
    expect: {
      exit: 0,
      timensOffsets: '["monotonic        3600         5","boottime        86400         0"]',
      'namespaces.time': 'new',
    },
    refused: {
      runc: 'runc 1.1.5 knows no time namespaces',
      crun: 'crun 1.8.1 knows no time namespaces',
    },
  },
  {
    name: 'sysctl',
    section: 'config-linux.md#sysctl',
    about: 'kernel parameters of the new namespaces',
    spec: () =>
      specOf({
        ask: [
          'content:/proc/sys/net/ipv4/ip_forward',
          'content:/proc/sys/kernel/shm_rmid_forced',
          'content:/proc/sys/kernel/domainname',
        ],
        linux: {
          sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.shm_rmid_forced': '1', 'fs.mqueue.msg_max': '17' },
        },
      }),
    expect: {
      exit: 0,
      'paths.content:/proc/sys/net/ipv4/ip_forward': '1\n',
      'paths.content:/proc/sys/kernel/shm_rmid_forced': '1\n',
    },
  },
];
