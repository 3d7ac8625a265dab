/** Columns of `top` by Podman's names, and what each shows of a process. Pure. */
import { capabilityNamesOf } from '../../runtime/capability.ts';

/** What /proc tells of one process. */
export type ProcessFacts = {
  /** As the host numbers it. */
  readonly hostPid: number;
  /** As the container does. */
  readonly pid: number;
  /** The parent's number in the container; 0 for one outside. */
  readonly parent: number;
  readonly group: number;
  readonly state: string;
  readonly nice: number;
  /** Of the controlling terminal, as in field 7 of stat; 0 for none. */
  readonly terminal: number;
  /** Seconds. */
  readonly cpuTime: number;
  readonly elapsed: number;
  /** Bytes. */
  readonly virtual: number;
  readonly resident: number;
  readonly name: string;
  readonly args: readonly string[];
  /** Real and effective, as the host numbers them. */
  readonly uids: readonly [number, number];
  readonly gids: readonly [number, number];
  readonly groups: readonly number[];
  /** Sets of capabilities by the first letters of their lines in status: "inh", "prm", "eff", "bnd", "amb". */
  readonly capabilities: Readonly<Record<string, bigint>>;
  /** 0, 1 or 2. */
  readonly seccomp: number;
  readonly label: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
};

/** Names of accounts; the number itself where there is none. */
export type Accounts = {
  readonly hostUser: (uid: number) => string;
  readonly hostGroup: (gid: number) => string;
  /** By the host's number of it; the name is the container's. */
  readonly user: (uid: number) => string;
  readonly group: (gid: number) => string;
};

type Descriptor = {
  readonly title: string;
  /** ps(1) of AIX has these. */
  readonly short?: string;
  readonly show: (process: ProcessFacts, accounts: Accounts) => string;
};

const allCapabilities = 0x1ff_ffff_ffffn;

export const descriptors: Readonly<Record<string, Descriptor>> = {
  args: { title: 'COMMAND', short: '%a', show: commandLine },
  capamb: { title: 'AMBIENT CAPS', show: capabilities('amb') },
  capbnd: { title: 'BOUNDING CAPS', show: capabilities('bnd') },
  capeff: { title: 'EFFECTIVE CAPS', show: capabilities('eff') },
  capinh: { title: 'INHERITED CAPS', show: capabilities('inh') },
  capprm: { title: 'PERMITTED CAPS', show: capabilities('prm') },
  comm: { title: 'COMMAND', short: '%c', show: ({ name }) => name },
  etime: { title: 'ELAPSED', short: '%t', show: ({ elapsed }) => duration(elapsed) },
  group: { title: 'GROUP', short: '%g', show: ({ gids }, { group }) => group(gids[1]) },
  groups: { title: 'GROUPS', show: ({ groups }, { group }) => groups.map(group).join(',') },
  hgroup: { title: 'HGROUP', show: ({ gids }, { hostGroup }) => hostGroup(gids[1]) },
  hgroups: { title: 'HGROUPS', show: ({ groups }, { hostGroup }) => groups.map(hostGroup).join(',') },
  hpid: { title: 'HPID', show: ({ hostPid }) => `${hostPid}` },
  huser: { title: 'HUSER', show: ({ uids }, { hostUser }) => hostUser(uids[1]) },
  label: { title: 'LABEL', show: ({ label }) => label },
  nice: { title: 'NI', short: '%n', show: ({ nice }) => `${nice}` },
  pcpu: { title: '%CPU', short: '%C', show: cpuShare },
  pgid: { title: 'PGID', short: '%r', show: ({ group }) => `${group}` },
  pid: { title: 'PID', short: '%p', show: ({ pid }) => `${pid}` },
  ppid: { title: 'PPID', short: '%P', show: ({ parent }) => `${parent}` },
  rgroup: { title: 'RGROUP', short: '%G', show: ({ gids }, { group }) => group(gids[0]) },
  rss: { title: 'RSS', show: ({ resident }) => `${Math.floor(resident / 1024)}` },
  ruser: { title: 'RUSER', short: '%U', show: ({ uids }, { user }) => user(uids[0]) },
  seccomp: { title: 'SECCOMP', show: ({ seccomp }) => ['disabled', 'strict', 'filter'][seccomp] ?? `${seccomp}` },
  state: { title: 'STATE', show: ({ state }) => state },
  stime: { title: 'STIME', show: ({ started }) => new Date(started).toISOString() },
  time: { title: 'TIME', short: '%x', show: ({ cpuTime }) => duration(cpuTime) },
  tty: { title: 'TTY', short: '%y', show: ({ terminal }) => terminalName(terminal) },
  user: { title: 'USER', short: '%u', show: ({ uids }, { user }) => user(uids[1]) },
  vsz: { title: 'VSZ', short: '%z', show: ({ virtual }) => `${Math.floor(virtual / 1024)}` },
};

const byShort = new Map(
  Object.values(descriptors).flatMap((each) => (each.short ? [[each.short, each] as const] : [])),
);

/**
 * The columns that the words after the container name ("pid,user args %C"); undefined when a word is none of them: then
 * the words are for ps(1).
 */
export function namedColumns(words: readonly string[]): Descriptor[] | undefined {
  const names = words.flatMap((word) => word.split(',')).filter((name) => name !== '');
  const found = names.flatMap(
    (name) => byShort.get(name) ?? (Object.hasOwn(descriptors, name) ? descriptors[name] : []),
  );
  const columns = found.filter((each) => each !== undefined);
  return names.length > 0 && columns.length === names.length ? columns : undefined;
}

/** What /proc/PID/stat, status and the rest say of a process. */
export type ProcessFiles = {
  readonly pid: number;
  readonly stat: string;
  readonly status: string;
  readonly cmdline: string;
  readonly label: string;
};

/** @param uptime of the machine, in seconds; @param now milliseconds since the epoch */
export function processFacts(files: ProcessFiles, uptime: number, now: number): ProcessFacts {
  // The name in parentheses may hold anything: the last ")" ends it (proc(5)).
  const end = files.stat.lastIndexOf(')');
  const fields = files.stat.slice(end + 2).split(' ');
  // Numbered as proc(5) numbers them.
  const field = (number: number): number => Number(fields[number - 3] ?? 0);
  const line = (name: string): string[] =>
    (new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(files.status)?.[1] ?? '').split(/\s+/).filter((word) => word !== '');
  const numbers = (name: string): number[] => line(name).map(Number);
  const [ruid = 0, euid = 0] = numbers('Uid');
  const [rgid = 0, egid = 0] = numbers('Gid');
  const elapsed = Math.max(0, uptime - field(22) / ticks);
  return {
    hostPid: files.pid,
    pid: numbers('NSpid').at(-1) ?? files.pid,
    parent: field(4),
    group: numbers('NSpgid').at(-1) ?? field(5),
    state: fields[0] ?? '',
    nice: field(19),
    terminal: field(7),
    cpuTime: (field(14) + field(15)) / ticks,
    elapsed,
    virtual: field(23),
    resident: field(24) * 4096,
    name: files.stat.slice(files.stat.indexOf('(') + 1, end),
    args: files.cmdline.split('\0').slice(0, -1),
    uids: [ruid, euid],
    gids: [rgid, egid],
    groups: numbers('Groups'),
    capabilities: Object.fromEntries(
      ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((set) => [set.toLowerCase(), BigInt(`0x${line(`Cap${set}`)[0] ?? '0'}`)]),
    ),
    seccomp: numbers('Seccomp')[0] ?? 0,
    label: files.label.replace(/[\0\n]+$/, ''),
    started: now - elapsed * 1000,
  };
}

/** USER_HZ, 100 on every machine that Linux runs on but Alpha and IA-64. */
const ticks = 100;

function commandLine({ args, name }: ProcessFacts): string {
  return args.length === 0 ? `[${name}]` : args.join(' ');
}

function capabilities(set: string): Descriptor['show'] {
  return (process) => {
    const bits = process.capabilities[set] ?? 0n;
    if (bits === 0n) return 'none';
    if (bits === allCapabilities) return 'full';
    return capabilityNamesOf(bits)
      .map((name) => name.replace(/^CAP_/, ''))
      .join(',');
  };
}

function cpuShare({ cpuTime, elapsed }: ProcessFacts): string {
  return (elapsed > 0 ? (cpuTime / elapsed) * 100 : 0).toFixed(3);
}

/** Go's way to print a time.Duration of whole seconds: "1h2m3s". */
function duration(seconds: number): string {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return `${hours}h${minutes}m${rest}s`;
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`;
}

/** From the device number (proc(5), tty_nr): Unix98 ptys have the majors 136 to 143. */
function terminalName(device: number): string {
  if (device === 0) return '?';
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  return major >= 136 && major <= 143 ? `pts/${(major - 136) * 256 + minor}` : `tty${minor}`;
}
