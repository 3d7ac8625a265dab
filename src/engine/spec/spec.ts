/**
 * What a container is asked to be, as an OCI config.json: the user's options, the image and the machine put together
 * with Docker's defaults (moby, daemon/oci_linux.go). Pure.
 *
 * Trust: an image says what runs (command, environment, working directory, user) and nothing else. Policy, which is
 * every other field, comes from the options alone; `ImageConfigView` has no more fields than those four ideas need, and a
 * test flips each field of an image config to see that no other field of the result moves (THREATS, class H).
 */
import { OnggiError } from '../../errors.ts';
import type { Capabilities, Device, Seccomp, Spec } from '../../oci/runtime-spec.ts';
import { ociVersion } from '../../oci/runtime-spec.ts';
import { containerCapabilities } from '../../runtime/capability.ts';
import { maskedPaths, readonlyPaths } from '../../runtime/defaults.ts';
import { rlimitType, unlimited } from '../../runtime/rlimit.ts';
import type { SeccompArchitecture } from '../../runtime/seccomp/architecture.ts';
import { defaultSeccomp, type KernelVersion } from '../../runtime/seccomp/profile.ts';
import { applySeccompTemplate } from '../../runtime/seccomp/template.ts';
import type { ContainerOptions, ImageMount, Ulimit } from '../types.ts';
import type { VolumeFacts } from '../volume/volume-mount.ts';
import { mappedDevices } from './devices.ts';
import { givenInitPlace, initMounts } from './init.ts';
import { specMounts } from './mounts.ts';
import { joinedOf, namespace } from './namespace.ts';
import { type ImageConfigView, mergeEnvironment, processSpec } from './process.ts';
import { deviceCgroupRules, resourceLimits } from './resources.ts';
import { rootlessSpec, type UserMaps } from './rootless.ts';
import { runsSystemd, type SystemdCgroup, systemdEnvironment } from './systemd.ts';

export { execProcess, processArgs } from './process.ts';

/** What has to be known of the container's place on this machine. */
export type SpecFacts = {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly cgroupsPath: string;
  /** The machine's own host name, which a container on its network shows. */
  readonly hostname: string;
  /** Host paths of the files that the engine keeps for the container. */
  readonly files: { readonly hostname: string; readonly hosts: string; readonly resolv: string };
  /** Effective capabilities of the engine: "all" means these. */
  readonly capabilities: readonly string[];
  readonly architecture: SeccompArchitecture;
  readonly kernel: KernelVersion;
  /** CPUs that are online. */
  readonly cpus: number;
  /** Swap can be limited. */
  readonly swap: boolean;
  /** Memory is limited by cgroup v1. */
  readonly legacyMemory: boolean;
  readonly systemdCgroup: SystemdCgroup;
  /** Paths to mask besides the usual ones: CPU throttling files, and for the image "host" the machine's secrets. */
  readonly maskedPaths: readonly string[];
  /** Every device of the machine; read only for a privileged container. */
  readonly devices: () => readonly Device[];
  /** The device nodes at or below a path of the host. */
  readonly devicesAt: (path: string) => readonly Device[];
  readonly isThere: (path: string) => boolean;
  /** Puts in what its devices of the Container Device Interface need. */
  readonly withCdi: (spec: Spec) => Spec;
  /** Ids of an ordinary user's container; undefined for root, whose containers have those of the machine. */
  readonly maps: UserMaps | undefined;
  /** The volumes that the options name. */
  readonly volumes: (name: string) => VolumeFacts;
  /** Root of the machine has made none of its namespaces. */
  readonly ordinaryUser: boolean;
  /** Path of the program of our own init; absent where it stays what the shim has forked. */
  readonly initProgram?: string;
  /** Where a copy of it is that is the container's alone. */
  readonly initCopy?: string;
  /** Path of the host at which an image is mounted for the container. */
  readonly images: (mount: ImageMount) => string;
  /** The first processes of the containers that it joins, by ID. */
  readonly joined: ReadonlyMap<string, number>;
  /** Told what could not be had but was not asked for. */
  readonly warn: (message: string) => void;
};

/**
 * @param image null for the image "host"
 * @throws OnggiError `invalid` when options contradict each other or the machine
 */
export function makeSpec(options: ContainerOptions, image: ImageConfigView | null, facts: SpecFacts): Spec {
  const spec = facts.withCdi(usualSpec(options, image, facts));
  return facts.maps === undefined ? spec : rootlessSpec(spec, facts.maps, joinedUser(options, facts));
}

/** Without privileges other namespaces can be shared only together with the one that they belong to. */
function joinedUser({ userNamespace }: ContainerOptions, { joined, ordinaryUser }: SpecFacts): number | undefined {
  const [first] = joined.values();
  if (ordinaryUser) return first;
  return typeof userNamespace === 'string' ? joined.get(joinedOf(userNamespace) ?? '') : undefined;
}

function usualSpec(options: ContainerOptions, image: ImageConfigView | null, facts: SpecFacts): Spec {
  const privileged = options.privileged === true;
  const ownNetwork = options.network !== 'host' && joinedOf(options.network) === undefined;
  const { joined } = facts;
  checkHostName('hostname', options.hostname ?? '');
  checkHostName('domainname', options.domainname ?? '');
  const hostname = options.hostname || (options.network === 'host' ? facts.hostname : facts.id.slice(0, 12));
  const capabilities = capabilitiesOf(options, facts);
  const seccomp = seccompOf(options, capabilities.bounding ?? [], facts);
  const { masked, readOnly } = hiddenPaths(options, image, facts);
  const devices = mappedDevices(options.devices ?? [], facts);
  const bound = facts.maps === undefined ? [] : devices.renamed;
  const places = new Set(bound.map(({ destination }) => destination));
  const { initPath } = options;
  const first = processSpec(options, image, hostname);
  const isMachine = image === null && options.rootfs === undefined;
  const systemd = runsSystemd(options, first.args ?? []);
  return {
    ociVersion,
    process: {
      ...first,
      ...(initPath !== undefined && { args: [givenInitPlace, '--', ...(first.args ?? [])] }),
      ...(systemd && { env: mergeEnvironment(systemdEnvironment(facts.id), first.env ?? []) }),
      capabilities,
      ...(options.security?.noNewPrivileges === true && { noNewPrivileges: true }),
      ...apparmorOf(options),
      ...(options.selinux?.process && { selinuxLabel: options.selinux.process }),
      rlimits: (options.ulimits ?? []).map(rlimit),
      ...(options.oomScoreAdj !== undefined && { oomScoreAdj: options.oomScoreAdj }),
    },
    root: { path: 'rootfs', readonly: options.readOnly === true },
    ...(options.utsMode === undefined && { hostname }),
    ...(options.domainname && { domainname: options.domainname }),
    mounts: [
      ...specMounts(options, facts, !systemd ? 'no' : isMachine ? 'machine' : 'image'),
      ...initMounts(options, capabilities, facts, isMachine),
      ...bound,
    ],
    ...(options.annotations !== undefined && { annotations: options.annotations }),
    linux: {
      namespaces: [
        { type: 'mount' },
        ...namespace('pid', options.pidMode, joined),
        ...namespace('uts', options.utsMode, joined),
        ...namespace('ipc', options.ipcMode, joined),
        ...namespace('cgroup', options.cgroupnsMode, joined),
        ...namespace('network', options.network, joined),
      ],
      cgroupsPath: facts.cgroupsPath,
      resources: {
        ...resourceLimits(options.resources ?? {}, facts),
        devices: [
          { allow: privileged, access: 'rwm' },
          ...devices.rules,
          ...deviceCgroupRules(options.resources?.deviceRules),
        ],
      },
      devices: [...(privileged ? facts.devices() : []), ...devices.nodes.filter(({ path }) => !places.has(path))],
      sysctl: { ...(ownNetwork ? networkSysctls : {}), ...options.sysctls },
      maskedPaths: masked,
      readonlyPaths: readOnly,
      ...(options.selinux !== undefined && { mountLabel: options.selinux.mount }),
      ...seccomp,
    },
  };
}

/** __NEW_UTS_LEN of the kernel. */
const longestName = 64;

/**
 * It becomes a line of /etc/hosts, in which a blank or a line feed would begin another name or another host.
 * @throws OnggiError `invalid`
 */
export function checkHostName(what: string, name: string): void {
  if (Buffer.byteLength(name) > longestName) {
    throw new OnggiError('invalid', `${what} "${name}": it has more than ${longestName} bytes`);
  }
  if (!/[\s\p{Cc}#]/u.test(name)) return;
  throw new OnggiError('invalid', `${what} ${JSON.stringify(name)}: it has a blank, a "#" or a control character`, {
    hint: 'Use letters, digits, "-" and ".".',
  });
}

function seccompOf(
  options: ContainerOptions,
  capabilities: readonly string[],
  facts: SpecFacts,
): { seccomp?: Seccomp } {
  const asked = options.security?.seccomp;
  if (asked === null) return {};
  const place = { capabilities, machine: facts.architecture, kernel: facts.kernel };
  if (asked !== undefined) return { seccomp: applySeccompTemplate(asked.template, place) };
  if (options.privileged === true) return {};
  return { seccomp: defaultSeccomp(capabilities, facts.architecture, facts.kernel) };
}

function apparmorOf({ security }: ContainerOptions): { apparmorProfile?: string } {
  const profile = security?.apparmor;
  return profile === undefined || profile === 'unconfined' ? {} : { apparmorProfile: profile };
}

/** What a privileged container may see, and what it was told; the machine's secrets stay masked in the image `host`. */
function hiddenPaths(
  { privileged = false, security = {} }: ContainerOptions,
  image: ImageConfigView | null,
  facts: SpecFacts,
): { readonly masked: readonly string[]; readonly readOnly: readonly string[] } {
  const open = privileged || security.systemPathsVisible === true || security.unmask?.includes('ALL') === true;
  const shown = new Set(security.unmask);
  const usual = open ? [] : [...maskedPaths, ...(image === null ? [] : facts.maskedPaths)];
  const own = image === null ? facts.maskedPaths : [];
  const masked = [...usual.filter((path) => !shown.has(path)), ...own, ...(security.mask ?? [])];
  return { masked, readOnly: open ? [] : readonlyPaths.filter((path) => !shown.has(path)) };
}

/** Any port and ping without a capability, harmless in a network namespace of its own (moby#41030). */
const networkSysctls = {
  'net.ipv4.ip_unprivileged_port_start': '0',
  'net.ipv4.ping_group_range': '0 2147483647',
};

/**
 * Not inheritable, not ambient: an executable with file capabilities would gain what its user may not have
 * (CVE-2022-24769). "All" is what the engine has itself; a name that it lacks is passed on, and warned about.
 */
function capabilitiesOf(options: ContainerOptions, facts: SpecFacts): Capabilities {
  const add = options.capAdd ?? [];
  const chosen = containerCapabilities({ add, drop: options.capDrop ?? [], privileged: options.privileged === true });
  const named = new Set(add.map((name) => `CAP_${name.toUpperCase().replace(/^CAP_/, '')}`));
  const all = options.privileged === true || named.has('CAP_ALL');
  const names = all ? chosen.filter((name) => facts.capabilities.includes(name) || named.has(name)) : chosen;
  return { bounding: names, effective: names, permitted: names, inheritable: [], ambient: [] };
}

function rlimit({ name, soft, hard }: Ulimit): { type: string; soft: bigint; hard: bigint } {
  const value = (limit: bigint): bigint => (limit === -1n ? unlimited : limit);
  return { type: rlimitType(name), soft: value(soft), hard: value(hard) };
}
