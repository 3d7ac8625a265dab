/**
 * What a test may leave behind, as lists of words that can be compared: processes, mounts, cgroup directories, network
 * links, nf_tables rules, this process's own descriptors. Only reads.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { patience, pause } from './program.ts';

export const kinds = ['process', 'mount', 'cgroup', 'link', 'nft', 'descriptor', 'loop device'] as const;
export type Kind = (typeof kinds)[number];
export type Snapshot = Readonly<Record<Kind, ReadonlySet<string>>>;

export function snapshot(): Snapshot {
  return {
    process: new Set(processes()),
    mount: new Set(mounts()),
    cgroup: new Set(cgroups()),
    link: new Set(readdirSync('/sys/class/net')),
    nft: new Set(rules()),
    descriptor: new Set(descriptors()),
    'loop device': new Set(loopDevices()),
  };
}

/**
 * The same of this process and what it has started alone, so that test processes may overlap: descriptors and child
 * processes. A mount that is left keeps the test's directory from being removed, which fails it too.
 */
export function ownSnapshot(): Snapshot {
  const none: ReadonlySet<string> = new Set();
  const descriptor = new Set(descriptors());
  const process = new Set(children());
  return { process, mount: none, cgroup: none, link: none, nft: none, descriptor, 'loop device': none };
}

/** What `after` has and `before` had not, one line each: "link: veth1a2b". */
export function leaked(before: Snapshot, after: Snapshot): string[] {
  return kinds.flatMap((kind) => [...after[kind].difference(before[kind])].map((item) => `${kind}: ${item}`));
}

/**
 * Compares with the present until nothing is left or `grace` ms have passed: the kernel takes network namespaces
 * apart asynchronously, and a shim whose command was killed before it said a word waits 10 s for another one.
 */
export async function findLeaks(before: Snapshot, grace = 15_000 * patience, look = snapshot): Promise<string[]> {
  const end = Date.now() + grace;
  for (;;) {
    const found = leaked(before, look());
    if (found.length === 0 || Date.now() > end) return found;
    await pause(50);
  }
}

/** Processes of ours: descendants, executables named onggi, members of our cgroups, those in other mount namespaces. */
function processes(): string[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = new Map(all.map((pid) => [pid, parentOf(pid)]));
  const ownMounts = link('/proc/self/ns/mnt');
  return all.flatMap((pid) => {
    if (pid === String(process.pid) || isUnreaped(pid)) return [];
    const executable = link(`/proc/${pid}/exe`);
    const command = text(`/proc/${pid}/cmdline`).split('\0').filter(Boolean);
    const ours =
      /(^|[/:])onggi/.test(executable) ||
      basename(command[0] ?? '').startsWith('onggi') ||
      /onggi/.test(text(`/proc/${pid}/cgroup`)) ||
      descends(pid, parents) ||
      (![ownMounts, ''].includes(link(`/proc/${pid}/ns/mnt`)) && /onggi/.test(text(`/proc/${pid}/mountinfo`)));
    return ours ? [`${pid} ${command.join(' ').slice(0, 120) || executable}`] : [];
  });
}

/** Processes that this one has started, and theirs. */
function children(): string[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = new Map(all.map((pid) => [pid, parentOf(pid)]));
  const own = all.filter((pid) => descends(pid, parents) && !isUnreaped(pid));
  return own.map((pid) => `${pid} ${text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 120)}`);
}

/** Dead, and waiting for the machine's process 1: nothing of ours can be done about it. */
function isUnreaped(pid: string): boolean {
  return /^State:\tZ[\s\S]*^PPid:\t1$/m.test(text(`/proc/${pid}/status`));
}

function parentOf(pid: string): string {
  return /^PPid:\s*(\d+)/m.exec(text(`/proc/${pid}/status`))?.[1] ?? '0';
}

function descends(pid: string, parents: ReadonlyMap<string, string>): boolean {
  let at = parents.get(pid);
  while (at !== undefined && at !== '0') {
    if (at === String(process.pid)) return true;
    at = parents.get(at);
  }
  return false;
}

/** Mounts of this mount namespace: mount point, file system, source. */
function mounts(): string[] {
  return text('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [mount = '', source = ''] = line.split(' - ');
      const [id, , , root, target] = mount.split(' ');
      return `${target} (${source.split(' ').slice(0, 2).join(' ')}, root ${root}, id ${id})`;
    });
}

/** Directories of ours in all hierarchies: other programs of the machine make and remove theirs meanwhile. */
function cgroups(): string[] {
  const hierarchies = text('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');
  return hierarchies.flatMap((path) => [...directoriesBelow(path)]).filter((path) => path.includes('onggi'));
}

function* directoriesBelow(path: string): Generator<string> {
  for (const entry of list(path)) {
    if (!entry.isDirectory()) continue;
    const child = join(path, entry.name);
    yield child;
    yield* directoriesBelow(child);
  }
}

/** The rules without counters, each with its table and chain. */
function rules(): string[] {
  const listing = spawnSync('nft', ['--stateless', 'list', 'ruleset'], { encoding: 'utf8' });
  if (listing.error !== undefined) return [];
  let [table, chain] = ['', ''];
  return listing.stdout.split('\n').flatMap((line) => {
    if (line.startsWith('table ')) [table, chain] = [line.replace(' {', ''), ''];
    else if (/^\t(chain|set|map) /.test(line)) chain = line.trim().replace(' {', '');
    const words = line.trim();
    return words === '' || words === '}' ? [] : [`${table} / ${chain} / ${words}`];
  });
}

/** Descriptors of this process but those that the runtime keeps for itself. */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    const target = link(`/proc/self/fd/${fd}`);
    const own = target === '' || target.startsWith('anon_inode:') || /^\/proc\/\d+\/fd$/.test(target);
    return own ? [] : [`${fd} -> ${target}`];
  });
}

/** Those of files in this run's directory for temporary files: they are the machine's, and seen by everybody. */
function loopDevices(): string[] {
  return readdirSync('/sys/block')
    .filter((name) => name.startsWith('loop'))
    .flatMap((name) => {
      const file = text(`/sys/block/${name}/loop/backing_file`).trim();
      return !file.startsWith(tmpdir()) ? [] : [`${name} ${file}`];
    });
}

/** What vanishes while it is read reads as empty. */
function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function list(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}
