/**
 * Declared skips. A test says what it needs of the machine in words of a closed list; when the machine
 * lacks it, the test is skipped, named and counted. An unknown word fails the file, so a typo never skips a test.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDirectory } from '../../src/kernel/directory.ts';
import { keepsProjectLimits } from '../../src/kernel/project-quota.ts';
import { repository } from './busybox-image.ts';

/** Word -> whether the machine has it. Each is asked at most once a process. */
const probes = {
  root: () => process.getuid?.() === 0,
  overlay: () => hasFileSystem('overlay'),
  erofs: () => hasFileSystem('erofs'),
  btrfs: () => hasFileSystem('btrfs') && program('mkfs.btrfs'),
  xfs: () => hasFileSystem('xfs') && program('mkfs.xfs'),
  /** The kernel may have one without the other. */
  'xfs-quota': () => hasFileSystem('xfs') && existsSync('/proc/fs/xfs/xqmstat') && program('mkfs.xfs'),
  bridge: () => canAddLink('bridge'),
  veth: () => canAddLink('veth'),
  /** Loopback has it, and with the machine's settings that of a new network namespace, too. */
  ipv6: () => existsSync('/proc/net/if_inet6') && /^0{31}1 /m.test(readFileSync('/proc/net/if_inet6', 'latin1')),
  nf_tables: () => program('nft') && spawnSync('nft', ['list', 'tables']).status === 0,
  'user-namespace': () => existsSync('/proc/self/ns/user'),
  'time-namespace': () => existsSync('/proc/self/ns/time'),
  /** Some controller has a hierarchy of version 1. */
  'cgroup-v1': () => mountsOf('cgroup').some((options) => !options.includes('name=')),
  /** Version 2 has the controllers, as on most present machines. */
  'cgroup-v2': () => unifiedControllers().includes('memory'),
  /** systemd can be given a cgroup of its own to write in. */
  'systemd-hierarchy': () =>
    mountsOf('cgroup').length === 0 || mountsOf('cgroup').some((options) => options.includes('name=systemd')),
  /** Debian's, unpacked for the virtual machine (test/vm/fetch-system). */
  'systemd-tree': () => existsSync(join(repository, '.cache/vm/system/lib/systemd/systemd')),
  'swap-accounting': () => swapAccounting(),
  /** Groups have real-time CPU time of their own, and there is some left to be given. */
  'real-time': () => realTimeLeft(),
  hugetlb: () => existsSync('/sys/kernel/mm/hugepages') && hasHugetlb(),
  busybox: () => existsSync('/bin/busybox'),
  'docker-registry': () => program('docker-registry'),
  htpasswd: () => program('htpasswd'),
  nft: () => program('nft'),
  ip: () => program('ip'),
  nsenter: () => program('nsenter'),
  openssl: () => program('openssl'),
  pasta: () => existsSync('/usr/bin/pasta'),
  newuidmap: () => existsSync('/usr/bin/newuidmap') && existsSync('/usr/bin/newgidmap'),
  libseccomp: () => program('gcc') && existsSync('/usr/include/seccomp.h'),
  python3: () => program('python3'),
  strace: () => program('strace'),
  zstd: () => program('zstd'),
  xz: () => existsSync('/usr/bin/xz'),
  bzip2: () => existsSync('/usr/bin/bzip2'),
  runc: () => program('runc'),
  crun: () => program('crun'),
  gpg: () => program('gpg') && program('gpgv'),
  skopeo: () => program('skopeo'),
  'skopeo-sigstore': () => program('skopeo') && skopeoSigns(),
  umoci: () => program('umoci'),
  dockerd: () => program('dockerd') && program('docker'),
  podman: () => program('podman'),
  /** It could be started, and would be the only one. */
  journald: () =>
    existsSync('/usr/lib/systemd/systemd-journald') &&
    program('journalctl') &&
    !existsSync('/run/systemd/journal/socket') &&
    existsSync('/etc/machine-id') &&
    /^[0-9a-f]{32}$/m.test(readFileSync('/etc/machine-id', 'utf8')),
  containerd: () => program('containerd') && program('ctr'),
  /** On the file system of /var/tmp. */
  'project-quota': () => hasProjectQuota('/var/tmp'),
  'loop-device': () => existsSync('/dev/loop-control'),
  /** Of the kernel, with or without a policy. */
  selinux: () => existsSync('/sys/fs/selinux') && /selinuxfs/.test(readFileSync('/proc/filesystems', 'utf8')),
  'x86-64': () => process.arch === 'x64',
  'two-cpus': () => readFileSync('/proc/cpuinfo', 'utf8').split(/^processor/m).length > 2,
} as const satisfies Record<string, () => boolean>;

export type Need = keyof typeof probes;

const answers = new Map<Need, boolean>();

/**
 * Options of node:test that skip the test when something is missing:
 * `test('...', requires('root', 'overlay'), async () => { ... })`.
 *
 * @throws Error on a word that is not in the list
 */
export function requires(...needs: readonly Need[]): { skip?: string } {
  const missing = needs.filter((need) => !has(need));
  return missing.length === 0 ? {} : { skip: `needs ${missing.join(', ')}` };
}

export function has(need: Need): boolean {
  const probe: (() => boolean) | undefined = Object.hasOwn(probes, need) ? probes[need] : undefined;
  if (probe === undefined) throw new Error(`requires("${need}"): not one of ${Object.keys(probes).join(', ')}`);
  const known = answers.get(need);
  if (known !== undefined) return known;
  const answer = probe();
  answers.set(need, answer);
  return answer;
}

function realTimeLeft(): boolean {
  const file = '/sys/fs/cgroup/cpu/cpu.rt_runtime_us';
  return existsSync(file) && Number(readFileSync(file, 'utf8')) > 100_000;
}

function program(name: string): boolean {
  const path = process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return path.split(':').some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Also true when the kernel has it as a module that can be loaded. */
function hasFileSystem(name: string): boolean {
  const listed = () => new RegExp(`\\t${name}$`, 'm').test(readFileSync('/proc/filesystems', 'utf8'));
  return listed() || (spawnSync('modprobe', [name]).status === 0 && listed());
}

function hasProjectQuota(path: string): boolean {
  using directory = openDirectory(path);
  return keepsProjectLimits(directory);
}

/** Debian builds it without: the program then holds the words that it refuses sigstore's signatures with. */
function skopeoSigns(): boolean {
  return !readFileSync('/usr/bin/skopeo').includes('sigstore disabled');
}

/** In a network namespace of its own, so nothing of it shows on the machine. */
function canAddLink(type: string): boolean {
  return spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'probe0', 'type', type]).status === 0;
}

/** Mount options (the last field of /proc/self/mountinfo) of each mount of a file system type. */
function mountsOf(type: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [fstype, , options] = line.split(' - ')[1]?.split(' ') ?? [];
      return fstype === type && options !== undefined ? [options] : [];
    });
}

function unifiedControllers(): string {
  const path = '/sys/fs/cgroup/cgroup.controllers';
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function swapAccounting(): boolean {
  if (existsSync('/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes')) return true;
  return unifiedControllers().includes('memory') && existsSync('/proc/swaps');
}

function hasHugetlb(): boolean {
  return mountsOf('cgroup').some((options) => options.includes('hugetlb')) || unifiedControllers().includes('hugetlb');
}
