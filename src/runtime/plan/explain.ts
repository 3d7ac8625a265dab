/**
 * Plan to words: one plain sentence a step, numbered per phase (`onggi run --explain`). Pure.
 *
 * Total over the union of steps: a step that can't be told does not compile.
 */

import { allCapabilities, capabilityNamesOf } from '../capability.ts';
import type { CapabilitySets } from './process-steps.ts';
import type {
  BindMapping,
  ByKeeper,
  CgroupPlacement,
  IdMapping,
  Keeper,
  LauncherOptions,
  LogFile,
  LogTarget,
  NamespaceType,
  Op,
  Plan,
  ShimOptions,
  Spawn,
  Step,
} from './steps.ts';

type ByOp = { readonly [K in Op]: (step: Extract<Step, { op: K }>) => string };

const sentences: ByOp = {
  'cgroup-create': (step) => `create the cgroup directory ${quote(step.path)}`,
  write: (step) =>
    `${step.what}: write ${quote(step.value)} to ${quote(step.path)}${otherwise(step.fallback)}${step.optional ? ' (go on if refused)' : ''}`,
  'cgroup-device': (step) => `let the cgroup ${quote(step.path)} use devices only by these rules: ${step.what}`,
  ports: ({ ports }) => {
    const each = ports.map(({ what, target, targetPort }) => `${what} to ${target.join('.')}:${targetPort}`);
    return `pass on what comes to ${each.join(', ')}`;
  },
  'id-map': ({ uid, gid, setgroups, helpers }) =>
    `map ${idMap('user', uid)}${by(helpers?.uid)} and ${idMap('group', gid)}${by(helpers?.gid)}${setgroups ? '' : ', setgroups denied'}`,
  netlink: (step) => `${step.what}: ${step.messages.map((message) => message.what).join('; ')}`,
  'inner-netlink': (step) => `${step.what}, inside: ${step.messages.map((message) => message.what).join('; ')}`,
  'inner-sysctl': (step) => `set the kernel parameter /proc/sys/${step.name} inside to ${quote(step.value)}`,
  hook: (step) => {
    const time = step.timeout === null ? '' : `, for at most ${step.timeout} s`;
    return `run the ${step.kind} hook ${[step.path, ...step.args.slice(1)].map(quote).join(' ')}${time}`;
  },
  propagation: (step) =>
    step.holder === true
      ? `keep what is mounted on ${quote(step.path)} from spreading to the host`
      : propagation(step.path, step.flags.words),
  overlay: (step) => {
    const top = step.upper === null ? 'read-only' : `writable layer ${quote(step.upper)}`;
    const layers = step.lower.length === 1 ? 'one layer' : `${step.lower.length} layers`;
    const below = step.lower.map((path) => (path.startsWith('/') ? path : `${step.directory}/${path}`)).map(quote);
    return `mount overlay on ${quote(step.target)} from ${layers} (${below.join(', ')}), ${top}${list(
      [...step.options, ...step.flags.words],
      ', with ',
    )}${byKeeper(step)}`;
  },
  'root-bind': (step) =>
    `bind the directory ${quote(step.source)} on ${quote(step.target)} as the new root${byKeeper(step)}`,
  'enter-root': (step) => `take ${quote(step.path)} as the root that all further paths are resolved in`,
  mount: (step) => {
    // Not at a comma that is part of a path or of a quoted value.
    const data = step.data.match(/(?:\\.|="[^"]*"|[^\\,])+/gs) ?? [];
    const details = [...step.flags.words, ...data];
    const copy = step.copyUp === true ? ', beginning with a copy of what is there' : '';
    return `mount ${step.fstype} on ${quote(step.target)}${parenthesised(details)}${copy}${step.optional ? ', if possible' : ''}`;
  },
  bind: (step) => {
    const details = [
      ...step.attributes.words,
      ...(step.treeAttributes?.words ?? []),
      ...step.propagation.words,
      ...(step.recursive ? ['with submounts'] : []),
    ];
    const made = step.createSource ? ', creating it on the host if missing' : '';
    const filled = step.copyUp === true ? ', filling it with what is there if it is empty' : '';
    const source = step.subpath === undefined ? '' : `${quote(step.subpath)} of `;
    const owner = step.foreign === true ? "another container's" : "the host's";
    const opened = step.byKeeper === true ? ', opened by the shim' : '';
    return `bind ${source}${owner} ${quote(step.source)} on ${quote(step.target)}${parenthesised(details)}${bindMapping(step.mapping ?? null)}${opened}${made}${filled}`;
  },
  remount: (step) => {
    const details = [
      ...step.attributes.words,
      ...(step.treeAttributes?.words ?? []),
      ...(step.data === '' ? [] : [step.data]),
    ];
    return `change the mount on ${quote(step.target)}${parenthesised(details)}`;
  },
  'cgroup-mount': (step) => {
    const what = step.unified
      ? "the container's own cgroup tree"
      : `the container's own cgroups (${step.legacy.map((hierarchy) => hierarchy.name).join(', ')})`;
    return `mount ${what} on ${quote(step.target)}${parenthesised(step.flags.words)}`;
  },
  mkdir: (step) => `make the directory ${quote(step.path)} (mode ${octal(step.mode)}, owner ${owner(step)})`,
  symlink: (step) => `make the symbolic link ${quote(step.path)} to ${quote(step.target)}`,
  mknod: (step) => {
    const type = { c: 'character device', b: 'block device', p: 'named pipe' }[step.type];
    const number = step.type === 'p' ? '' : ` ${step.major}:${step.minor}`;
    return `make the ${type}${number} at ${quote(step.path)} (mode ${octal(step.mode)}, owner ${owner(step)})`;
  },
  'pivot-root': () => "make the new root / and let go of the host's file systems",
  'move-root': () => "move the new root over /, above the host's file systems",
  'runtime-hooks': () => 'wait while the hooks on the host run',
  'root-attributes': (step) => `make the root file system ${words(step.attributes.words)}`,
  mask: (step) => `hide ${quote(step.path)}`,
  readonly: (step) => `make ${quote(step.path)} read-only`,
  sysctl: (step) => `set the kernel parameter /proc/sys/${step.name} to ${quote(step.value)}`,
  hostname: (step) => `set the host name to ${quote(step.name)}`,
  domainname: (step) => `set the domain name to ${quote(step.name)}`,
  'unshare-cgroup': () => 'make its own cgroup the root of what it sees of cgroups',
  console: (step) =>
    `open a terminal of ${step.rows} rows and ${step.columns} columns as stdin, stdout and stderr${
      step.bindConsole ? ' and as /dev/console' : ''
    }`,
  rlimit: (step) => `limit ${step.name} to ${limit(step.soft)} (at most ${limit(step.hard)})`,
  'oom-score-adj': (step) =>
    `set the out-of-memory score adjustment to ${step.value}${step.optional ? ' (go on if refused)' : ''}`,
  config: (step) => `write ${quote(step.path)} with the ids of user ${quote(step.user)}`,
  'criu-descriptors': ({ number, images, work }) =>
    `connect the keeper with criu at descriptor ${number}, with the images in ${quote(images)} and its log in ${quote(work)}`,
  'network-descriptor': ({ number }) => `leave the network namespace open at descriptor ${number}`,
  'no-new-privileges': () => 'forbid gaining privileges by executing files (no_new_privs)',
  umask: (step) => `set the file mode creation mask to ${octal(step.mask)}`,
  identity: (step) => {
    const group = step.group === null ? '' : ` and group ${quote(step.group)}`;
    const more = list(step.additionalGroups, ' with further groups ');
    return `become user ${quote(step.user)}${group}${more}, ${capabilities(step.capabilities)}`;
  },
  seccomp: ({ what, listener }) =>
    `filter system calls: ${what}${listener === null ? '' : `; the agent at "${listener.path}" answers for some`}`,
  'working-directory': (step) =>
    `go to the directory ${quote(step.path)}${step.create ? ', creating it if missing' : ''}`,
  'find-executable': (step) => `find the program ${quote(step.command)}`,
  'wait-start': () => 'report that the container is created and wait for the word to start',
  exec: (step) =>
    `${step.reaper ? 'start, under a small init that reaps orphans and forwards signals,' : 'execute'} ${step.argv
      .map(quote)
      .join(' ')} with ${count(step.env.length, 'environment variable')}`,
  scheduler: (step) => {
    const times = step.runtime === 0n ? [] : [`${step.runtime} ns of every ${step.period} within ${step.deadline}`];
    const details = [
      ...(step.nice === 0 ? [] : [`nice ${step.nice}`]),
      ...(step.priority === 0 ? [] : [`priority ${step.priority}`]),
      ...times,
      ...step.words,
    ];
    return `schedule by ${step.name}${parenthesised(details)}`;
  },
  'io-priority': (step) => `give its input and output the priority ${step.name}, level ${step.level}`,
  'cpu-affinity': (step) => `run on the CPUs ${quote(step.list)} only`,
  'memory-policy': (step) => `allot memory by the policy ${quote(step.words)}`,
  personality: (step) => `take the execution domain ${quote(step.name)}`,
  apparmor: (step) => `have the command confined by the AppArmor profile ${quote(step.profile)}`,
  selinux: (step) => `give the command and its keyring the SELinux label ${quote(step.label)}`,
  'cgroup-remove': ({ path, above = 0 }) =>
    `remove the cgroup directory ${quote(path)}${above === 0 ? '' : ` and those above it that are empty, at most ${above}`}`,
};

/** One step as a sentence without its full stop. Control characters of foreign strings are escaped. */
export function explainStep(step: Step): string {
  // See writeStep in encode.ts.
  return (sentences[step.op] as (step: Step) => string)(step);
}

/**
 * The whole plan as text for a terminal, each phase under a heading that says who acts and where.
 * Environment values are never shown: they carry secrets.
 */
export function explainPlan(plan: Plan): string {
  const keeper = `the ${plan.keeper.kind}, on the host`;
  const phases: readonly (readonly [string, readonly string[]])[] = [
    [
      `Before: ${keeper}`,
      [
        ...explainKeeper(plan.keeper),
        ...explainHealth(plan),
        ...explainRuntime(plan),
        ...plan.prepare.map(explainStep),
      ],
    ],
    ['Birth of the container', explainSpawn(plan.spawn)],
    [`From outside: ${keeper}`, plan.attach.map(explainStep)],
    ['Inside: the first process of the container', plan.init.map(explainStep)],
    [`After: ${keeper}`, plan.cleanup.map(explainStep)],
  ];
  const written = phases.filter(([, lines]) => lines.length > 0);
  return written
    .map(([heading, lines]) => [`${heading}:`, ...lines.map(numbered)].join('\n'))
    .join('\n\n')
    .concat('\n');
}

function numbered(line: string, index: number): string {
  return `${String(index + 1).padStart(4)}. ${line}`;
}

function explainKeeper(keeper: Keeper): string[] {
  return keeper.kind === 'shim' ? explainShim(keeper) : explainLauncher(keeper);
}

function explainHealth({ health }: Plan): string[] {
  if (health === undefined) return [];
  const { interval, timeout, retries, action } = health;
  const then = { none: '', kill: ', then kill it', run: `, then run ${quote(health.command.join(' '))}` }[action];
  return [
    `check its health every ${interval} ms, at most ${timeout} ms long, unhealthy after ${count(retries, 'failure')}${then}; ` +
      `keep that in ${quote(health.directory)}`,
  ];
}

function explainRuntime({ runtime }: Plan): string[] {
  if (runtime === undefined) return [];
  if (runtime.program === null) return ['have criu restore the container'];
  return [`have ${quote(runtime.program)} make the container, and keep its state in ${quote(runtime.state)}`];
}

function explainLauncher(launcher: LauncherOptions): string[] {
  const { preserve, startFifo } = launcher;
  const terminal = launcher.consoleSocket ? 'hand its terminal to the console socket' : 'relay its terminal to stdio';
  return [
    ...(launcher.terminal ? [terminal] : []),
    ...(preserve > 0 ? [`pass ${count(preserve, 'descriptor')} on, from 3 up`] : []),
    ...(startFifo === null ? [] : [`have it wait for its start on ${quote(startFifo)}`]),
    launcher.stay ? 'stay until it ends' : 'leave it alone once it waits or runs',
  ];
}

function explainShim(shim: ShimOptions): string[] {
  const lines = [`listen for clients on ${quote(shim.socket)}`];
  if (shim.log !== null) lines.push(`log the output ${explainLog(shim.log)}`);
  return lines;
}

function explainLog(log: LogFile | LogTarget): string {
  const full = (log.bufferSize ?? 0n) > 0n ? `; what does not fit in ${log.bufferSize} bytes is dropped` : '';
  if ('server' in log) {
    const { transport, address, port } = log.server;
    return `to ${log.driver} at ${quote(port === 0 ? address : `${address}:${port}`)} (${transport}${full})`;
  }
  const { path, maxSize, maxFiles } = log;
  const rotation = maxSize === 0n ? 'never rotated' : `${maxFiles} files of at most ${maxSize} bytes`;
  const as = log.driver === undefined || log.driver === 'json-file' ? '' : ` as ${log.driver}`;
  return `to ${quote(path)}${as} (${rotation}${log.compress === true ? ', compressed' : ''}${full})`;
}

const namespaceWords: Readonly<Record<NamespaceType, string>> = {
  mnt: 'mounts',
  pid: 'processes',
  net: 'networks',
  uts: 'host names',
  ipc: 'inter-process communication',
  cgroup: 'cgroups',
  user: 'user ids',
  time: 'clocks',
};

function explainSpawn(spawn: Spawn): string[] {
  const kinds = (types: readonly NamespaceType[]): string => types.map((type) => namespaceWords[type]).join(', ');
  if (spawn.kind === 'join') {
    return [
      `enter the namespaces of process ${spawn.pid} (${kinds(spawn.namespaces)})`,
      ...explainPlacement(spawn.cgroups),
      ...explainKeyring(spawn),
    ];
  }
  return [
    ...spawn.join.map(
      (item) =>
        `enter the namespace of ${namespaceWords[item.type]} at ${quote(item.path)}${item.foreign === true ? ", which must not be the host's" : ''}`,
    ),
    spawn.namespaces.length === 0
      ? "start its first process in the host's namespaces"
      : `start its first process with its own namespaces: ${kinds(spawn.namespaces)}`,
    ...spawn.timeOffsets.map((item) => `shift the ${item.clock} clock by ${seconds(item.secs, item.nanosecs)} s`),
    ...explainPlacement(spawn.cgroups),
    ...explainKeyring(spawn),
  ];
}

function explainKeyring({ keyring }: Spawn): string[] {
  if (keyring === undefined) return [];
  if (keyring === null) return ['let it keep the session keyring of the caller'];
  return [`join the session keyring ${quote(keyring)}`];
}

function explainPlacement(cgroups: CgroupPlacement): string[] {
  const paths = [...(cgroups.unified === null ? [] : [cgroups.unified]), ...cgroups.legacy];
  return paths.map((path) => `put it into the cgroup ${quote(path)}`);
}

/** The words of mount_namespaces(7) for what mounts at one place mean at another, told. */
function propagation(path: string, propagations: readonly string[]): string {
  const [word = ''] = propagations;
  const kind = word.replace(/^r/, '');
  const mounts = `${word.startsWith('r') ? 'all mounts from' : 'the mount on'} ${quote(path)}${word.startsWith('r') ? ' down' : ''}`;
  switch (kind) {
    case 'slave':
      return `let ${mounts} follow changes of the host, and the host none of theirs (${word})`;
    case 'shared':
      return `let ${mounts} share changes with their copies (${word})`;
    case 'unbindable':
      return `keep ${mounts} to themselves, not even to be bound elsewhere (${word})`;
    default:
      return `keep changes of ${mounts} to themselves (${word})`;
  }
}

function capabilities(sets: CapabilitySets): string {
  if (sets.bounding === 0n) return 'without any capability';
  const names = capabilityNamesOf(sets.bounding).map((name) => name.slice('CAP_'.length).toLowerCase());
  const all = names.length >= allCapabilities.length ? 'every capability' : `no capabilities but ${names.join(', ')}`;
  return `with ${all}`;
}

function by(helper: string | null | undefined): string {
  return helper == null ? '' : ` by ${quote(helper)}`;
}

function byKeeper({ byKeeper: how }: { readonly byKeeper?: ByKeeper }): string {
  if (how === undefined) return '';
  return how === 'mapped' ? ", by the shim, its ids mapped as the container's own" : ', by the shim';
}

function idMap(kind: string, mappings: readonly IdMapping[]): string {
  if (mappings.length === 0) return `no ${kind} ids`;
  const ranges = mappings.map((item) => {
    const last = item.size - 1;
    return `${item.containerId}-${item.containerId + last} to ${item.hostId}-${item.hostId + last}`;
  });
  return `${kind} ids ${ranges.join(', ')}`;
}

function bindMapping(mapping: BindMapping | null): string {
  if (mapping === null) return '';
  const what = mapping.recursive ? 'the ids of it and its submounts mapped' : 'its ids mapped';
  if (mapping.maps === null) return `, ${what} as the container's own`;
  return `, ${what}: ${idMap('user', mapping.maps.uid)}, ${idMap('group', mapping.maps.gid)}`;
}

function owner(step: { readonly uid: number; readonly gid: number }): string {
  return `${step.uid}:${step.gid}`;
}

function limit(value: bigint): string {
  return value === 0xffff_ffff_ffff_ffffn ? 'unlimited' : String(value);
}

/** -5 and 7 are 4.999999993 back. */
function seconds(secs: bigint, nanosecs: number): string {
  const total = secs * 1_000_000_000n + BigInt(nanosecs);
  const amount = total < 0n ? -total : total;
  return `${total < 0n ? '-' : ''}${amount / 1_000_000_000n}.${String(amount % 1_000_000_000n).padStart(9, '0')}`;
}

function octal(mode: number): string {
  return `0${mode.toString(8).padStart(3, '0')}`;
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function words(list: readonly string[]): string {
  return list.join(', ');
}

function parenthesised(list: readonly string[]): string {
  return list.length === 0 ? '' : ` (${list.join(', ')})`;
}

function list(items: readonly string[], before: string): string {
  return items.length === 0 ? '' : `${before}${items.join(', ')}`;
}

/** Bare when it is a plain word, else JSON's quoting, which escapes every control character an image may supply. */
function quote(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029]/g, '\ufffd');
}

function otherwise(fallback: { readonly path: string; readonly value: string } | undefined): string {
  return fallback === undefined ? '' : `, or ${quote(fallback.value)} to ${quote(fallback.path)} where that is missing`;
}
