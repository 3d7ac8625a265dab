/** Which cgroup hierarchies there are and where they are mounted: v1 ("legacy"), v2 ("unified") or both. Pure. */
import { mountInfoField } from '../../oci/mount-info.ts';
import type { CpusetOffer } from './cpuset.ts';

export type LegacyHierarchy = {
  readonly mountPoint: string;
  /** Controllers ("cpu", "cpuacct"); empty for a named hierarchy. */
  readonly controllers: readonly string[];
  /** Last part of the mount point ("cpu,cpuacct", "systemd"): the directory name that programs expect. */
  readonly name: string;
  /** Options that mount it again ("cpu,cpuacct", "name=systemd"). */
  readonly options: string;
};

export type UnifiedHierarchy = {
  readonly mountPoint: string;
  /** cgroup.controllers of the mounted root, or of what is delegated. */
  readonly controllers: readonly string[];
  /** For an ordinary user: the topmost directory that it may write in, "" if there is none. Absent for root. */
  readonly delegated?: string;
};

export type CgroupLayout = {
  readonly mode: 'none' | 'legacy' | 'unified' | 'hybrid';
  readonly legacy: readonly LegacyHierarchy[];
  readonly unified: UnifiedHierarchy | null;
  /** That of an ordinary user, who may load no device filter (bpf(2)) and write no device rules. */
  readonly unprivileged?: true;
  /** Swap can be limited. */
  readonly swap: boolean;
  /** CPUs and memory nodes that cpusets can have; absent where there is no such controller. */
  readonly cpuset?: CpusetOffer;
};

export function hasLegacyMemory({ legacy }: CgroupLayout): boolean {
  return legacy.some(({ controllers }) => controllers.includes('memory'));
}

/** What is read besides the mounts. */
export type CgroupFiles = {
  /** Content of a file in a cgroup hierarchy, "" when it isn't there. */
  readonly read: (path: string) => string;
  readonly exists: (path: string) => boolean;
};

/**
 * Controllers that a v1 mount's super options may name (cgroups(7), "Cgroups version 1 controllers"). Other options
 * ("rw", "xattr", "release_agent=...") are none.
 */
export const legacyControllers: ReadonlySet<string> = new Set([
  'cpu',
  'cpuacct',
  'cpuset',
  'memory',
  'devices',
  'freezer',
  'net_cls',
  'blkio',
  'perf_event',
  'net_prio',
  'hugetlb',
  'pids',
  'rdma',
  'misc',
]);

export type CgroupMount = {
  readonly version: 1 | 2;
  /** What of the hierarchy is mounted. */
  readonly root: string;
  readonly mountPoint: string;
  /** "rw,memory". */
  readonly superOptions: string;
};

/** What is before the type of a file system in a line of mountinfo, and the beginning of its name. */
const cgroupType = ' - cgroup';

/**
 * Only their own lines are looked at, because a machine may have thousands of other mounts.
 * @param mountinfo as proc(5) has it
 */
export function cgroupMounts(mountinfo: string): CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (let at = mountinfo.indexOf(cgroupType); at !== -1; at = mountinfo.indexOf(cgroupType, at + 1)) {
    const [, , , root = '', mountPoint = ''] = mountinfo.slice(mountinfo.lastIndexOf('\n', at) + 1, at).split(' ');
    const end = mountinfo.indexOf('\n', at);
    const [type, , superOptions = ''] = mountinfo.slice(at + 3, end === -1 ? undefined : end).split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') continue;
    mounts.push({ version: type === 'cgroup2' ? 2 : 1, root, mountPoint: mountInfoField(mountPoint), superOptions });
  }
  return mounts;
}

/** @param mountinfo content of /proc/self/mountinfo (proc(5)) */
export function parseCgroupLayout(mountinfo: string, files: CgroupFiles): CgroupLayout {
  const legacy: LegacyHierarchy[] = [];
  let unified: UnifiedHierarchy | null = null;
  for (const { mountPoint, version, superOptions } of cgroupMounts(mountinfo)) {
    if (version === 2) {
      // The first mount wins: a container engine may have mounted the hierarchy again elsewhere.
      unified ??= { mountPoint, controllers: words(files.read(`${mountPoint}/cgroup.controllers`)) };
    } else {
      const hierarchy = legacyHierarchy(mountPoint, superOptions);
      if (!legacy.some((other) => other.options === hierarchy.options)) legacy.push(hierarchy);
    }
  }
  const controlled = legacy.some((hierarchy) => hierarchy.controllers.length > 0);
  if (!controlled) {
    // systemd keeps a named v1 hierarchy in some v2 set-ups; without controllers it decides nothing.
    const mode = unified === null ? 'none' : 'unified';
    const offer = cpusetOffer(unified?.mountPoint, '.effective', files);
    return { mode, legacy: [], unified, swap: files.exists('/proc/swaps'), ...offer };
  }
  const mode = unified === null ? 'legacy' : 'hybrid';
  const found: CgroupLayout = { mode, legacy, unified, swap: false };
  const memory = legacyMountPoint(found, 'memory');
  return {
    ...found,
    // Absent without swap accounting (Documentation/admin-guide/cgroup-v1/memory.rst, section 2.4).
    swap: memory !== undefined && files.exists(`${memory}/memory.memsw.limit_in_bytes`),
    ...cpusetOffer(legacyMountPoint(found, 'cpuset'), '', files),
  };
}

/** @param suffix of the files that tell what the root has */
function cpusetOffer(
  mountPoint: string | undefined,
  suffix: string,
  files: CgroupFiles,
): { readonly cpuset?: CpusetOffer } {
  const cpus = mountPoint === undefined ? '' : files.read(`${mountPoint}/cpuset.cpus${suffix}`).trim();
  if (cpus === '') return {};
  return { cpuset: { cpus, mems: files.read(`${mountPoint}/cpuset.mems${suffix}`).trim() } };
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** "/", "/a" and "/a/b" of "/a/b/c". */
export function ancestors(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)];
}

function legacyHierarchy(mountPoint: string, superOptions: string): LegacyHierarchy {
  const options = superOptions.split(',');
  const controllers = options.filter((option) => legacyControllers.has(option));
  const named = options.find((option) => option.startsWith('name='));
  return {
    mountPoint,
    controllers,
    name: mountPoint.slice(mountPoint.lastIndexOf('/') + 1),
    options: named ?? controllers.join(','),
  };
}

/** Mount point of the v1 hierarchy of a controller, undefined when there is none. */
export function legacyMountPoint(layout: CgroupLayout, controller: string): string | undefined {
  return layout.legacy.find((hierarchy) => hierarchy.controllers.includes(controller))?.mountPoint;
}

/** Directory of a cgroup: `path` is absolute below the hierarchy ("/onggi/<id>"). */
export function hierarchyPath(mountPoint: string, path: string): string {
  return `${mountPoint}${path === '/' ? '' : path}`;
}
