/**
 * Plan to bytes, exactly as native/plan/plan.h describes them. Pure.
 *
 * Each op has one row in `payloads`, so a step without an encoder does not compile; a test compares the numbers here
 * with those of the header.
 */

import type { NetlinkStep } from '../../kernel/netlink-step.ts';
import { writeHealth, writeLauncher, writeRestoration, writeRuntime, writeShim } from './encode-keeper.ts';
import { writeSpawn } from './encode-spawn.ts';
import { firstStep } from './first-step.ts';
import { hookKindNumbers, keeperOpNumbers, noAttributes, opNumbers, type Phase, phaseNumbers } from './numbers.ts';
import type {
  AttachStep,
  ByKeeper,
  CleanupStep,
  HookStep,
  IdMapping,
  InitStep,
  MountAttributes,
  Op,
  Plan,
  PrepareStep,
  Step,
} from './steps.ts';
import { makeWriter, type Writer } from './writer.ts';

const magic = 0x4c50_474f; // "OGPL" read as a little-endian u32
const version = 1;

/** <linux/netlink.h> */
const netlinkProtocols = { route: 0, netfilter: 12 } as const;

/** <linux/stat.h> */
const nodeTypes = { p: 0o010000, c: 0o020000, b: 0o060000 } as const;
/** enum bind_mapping */
const bindMappings = { none: 0, given: 1, own: 2, foreign: 3, keeper: 4 } as const;

function rootMapping(byKeeper: ByKeeper | undefined): number {
  if (byKeeper === undefined) return bindMappings.none;
  return byKeeper === 'mapped' ? bindMappings.own : bindMappings.keeper;
}

function writeNetlink(out: Writer, step: Pick<NetlinkStep, 'protocol' | 'messages' | 'what'>): void {
  out.u32(netlinkProtocols[step.protocol]);
  out.list(step.messages, (message) => {
    out.blob(message.bytes);
    out.list(message.pidAt, out.u32);
    out.string(message.what);
  });
  out.string(step.what);
}

function writeSysctl(out: Writer, step: { readonly name: string; readonly value: string }): void {
  out.string(step.name);
  out.string(step.value);
}

type ByOp = { readonly [K in Op]: (out: Writer, step: Extract<Step, { op: K }>) => void };

const payloads: ByOp = {
  'cgroup-create': (out, step) => {
    out.string(step.path);
    out.optionalString(step.mark ?? null);
  },
  write: (out, step) => {
    out.string(step.path);
    out.string(step.value);
    out.string(step.what);
    out.bool(step.optional);
    out.optionalString(step.fallback?.path ?? null);
    out.string(step.fallback?.value ?? '');
  },
  'cgroup-device': (out, step) => {
    out.string(step.path);
    out.blob(step.program);
    out.string(step.what);
  },
  ports: (out, step) =>
    out.list(step.ports, ({ datagrams, address, port, target, targetPort, what }) => {
      out.bool(datagrams);
      out.blob(address);
      out.u32(port);
      out.blob(target);
      out.u32(targetPort);
      out.string(what);
    }),
  'id-map': (out, step) => {
    writeIdMap(out, step.uid);
    writeIdMap(out, step.gid);
    out.bool(step.setgroups);
    out.optionalString(step.helpers?.uid ?? null);
    out.optionalString(step.helpers?.gid ?? null);
  },
  netlink: writeNetlink,
  'inner-netlink': writeNetlink,
  'inner-sysctl': writeSysctl,
  hook: writeHook,
  propagation: (out, step) => {
    out.string(step.path);
    out.u32(step.flags.bits);
    out.bool(step.holder ?? false);
  },
  overlay: (out, step) => {
    out.string(step.directory);
    out.strings(step.lower);
    out.optionalString(step.upper);
    out.optionalString(step.work);
    out.string(step.target);
    out.strings(step.options);
    out.u32(step.flags.bits);
    out.u32(rootMapping(step.byKeeper));
  },
  'root-bind': (out, step) => {
    out.string(step.source);
    out.string(step.target);
    out.u32(rootMapping(step.byKeeper));
  },
  'enter-root': (out, step) => out.string(step.path),
  mount: (out, step) => {
    out.string(step.fstype);
    out.string(step.source);
    out.string(step.target);
    out.u32(step.flags.bits);
    out.string(step.data);
    out.bool(step.optional);
    out.bool(step.copyUp ?? false);
  },
  remount: (out, step) => {
    out.string(step.target);
    writeAttributes(out, step.attributes);
    writeAttributes(out, step.treeAttributes ?? noAttributes);
    out.string(step.data);
  },
  bind: (out, step) => {
    out.string(step.source);
    out.bool(step.recursive);
    const { maps, recursive = false } = step.mapping ?? {};
    const plain = step.byKeeper === true ? bindMappings.keeper : bindMappings.none;
    const unmapped = step.foreign === true ? bindMappings.foreign : plain;
    out.u32(maps === undefined ? unmapped : maps === null ? bindMappings.own : bindMappings.given);
    out.bool(recursive);
    writeIdMap(out, maps?.uid ?? []);
    writeIdMap(out, maps?.gid ?? []);
    out.string(step.target);
    writeAttributes(out, step.attributes);
    writeAttributes(out, step.treeAttributes ?? noAttributes);
    out.u32(step.propagation.bits);
    out.bool(step.createSource);
    out.string(step.subpath ?? '');
    out.bool(step.copyUp ?? false);
  },
  'cgroup-mount': (out, step) => {
    out.string(step.target);
    out.bool(step.unified);
    out.list(step.legacy, (hierarchy) => {
      out.string(hierarchy.name);
      out.string(hierarchy.options);
      out.strings(hierarchy.links);
    });
    out.u32(step.flags.bits);
  },
  mkdir: (out, step) => {
    out.string(step.path);
    out.u32(step.mode);
    out.u32(step.uid);
    out.u32(step.gid);
  },
  symlink: (out, step) => {
    out.string(step.path);
    out.string(step.target);
  },
  mknod: (out, step) => {
    out.string(step.path);
    out.u32(nodeTypes[step.type]);
    out.u32(step.major);
    out.u32(step.minor);
    out.u32(step.mode);
    out.u32(step.uid);
    out.u32(step.gid);
  },
  'pivot-root': () => {},
  'move-root': () => {},
  'runtime-hooks': () => {},
  'root-attributes': (out, step) => writeAttributes(out, step.attributes),
  mask: (out, step) => out.string(step.path),
  readonly: (out, step) => out.string(step.path),
  sysctl: writeSysctl,
  hostname: (out, step) => out.string(step.name),
  domainname: (out, step) => out.string(step.name),
  'unshare-cgroup': () => {},
  console: (out, step) => {
    out.u32(step.rows);
    out.u32(step.columns);
    out.bool(step.bindConsole);
  },
  rlimit: (out, step) => {
    out.u32(step.resource);
    out.string(step.name);
    out.u64(step.soft);
    out.u64(step.hard);
  },
  'oom-score-adj': (out, step) => {
    out.i32(step.value);
    out.bool(step.optional);
  },
  config: (out, step) => {
    out.string(step.path);
    out.string(step.user);
    out.optionalString(step.group);
    out.strings(step.additionalGroups);
    out.bool(step.primaryGroup);
    out.string(step.before);
    out.string(step.after);
  },
  'network-descriptor': (out, step) => out.u32(step.number),
  'criu-descriptors': (out, step) => {
    out.u32(step.number);
    out.string(step.images);
    out.string(step.work);
  },
  'no-new-privileges': () => {},
  umask: (out, step) => out.u32(step.mask),
  identity: (out, step) => {
    out.string(step.user);
    out.optionalString(step.group);
    out.strings(step.additionalGroups);
    out.bool(step.primaryGroup);
    out.u64(step.capabilities.bounding);
    out.u64(step.capabilities.effective);
    out.u64(step.capabilities.permitted);
    out.u64(step.capabilities.inheritable);
    out.u64(step.capabilities.ambient);
  },
  seccomp: (out, step) => {
    out.u32(step.flags);
    out.blob(step.program);
    out.string(step.what);
    out.optionalString(step.listener?.path ?? null);
    out.string(step.listener?.state ?? '');
  },
  'working-directory': (out, step) => {
    out.string(step.path);
    out.bool(step.create);
  },
  'find-executable': (out, step) => out.string(step.command),
  'wait-start': () => {},
  exec: (out, step) => {
    out.strings(step.argv);
    out.strings(step.env);
    out.bool(step.reaper);
    out.optionalString(step.initPlace ?? null);
  },
  scheduler: (out, step) => {
    out.u32(step.policy);
    out.u64(step.flags);
    out.i32(step.nice);
    out.u32(step.priority);
    out.u64(step.runtime);
    out.u64(step.deadline);
    out.u64(step.period);
    out.string(step.name);
  },
  'io-priority': (out, step) => {
    out.u32(step.class);
    out.u32(step.level);
  },
  'cpu-affinity': (out, step) => {
    out.blob(step.mask);
    out.string(step.list);
  },
  'memory-policy': (out, step) => {
    out.u32(step.mode);
    out.blob(step.mask);
    out.string(step.words);
  },
  personality: (out, step) => {
    out.u32(step.persona);
    out.string(step.name);
  },
  apparmor: (out, step) => out.string(step.profile),
  selinux: (out, step) => out.string(step.label),
  'cgroup-remove': (out, step) => {
    out.string(step.path);
    out.u32(step.above ?? 0);
  },
};

/**
 * The bytes of a plan, ready for the keeper's plan descriptor.
 *
 * @throws OnggiError `invalid` when a string holds a NUL, a number does not fit or the whole is over 16 MiB
 */
export function encodePlan(plan: Plan): Uint8Array<ArrayBuffer> {
  const out = makeWriter();
  const steps: readonly (readonly [Phase, readonly (PrepareStep | AttachStep | InitStep | CleanupStep)[]])[] = [
    ['prepare', plan.prepare],
    ['attach', plan.attach],
    ['init', plan.init],
    ['cleanup', plan.cleanup],
  ];
  out.u32(magic);
  out.u32(version);
  out.u32(0); // total length, known at the end
  const { keeper, spawn, health, runtime } = plan;
  out.u32(steps.reduce((count, [, list]) => count + list.length, firstStep(plan)));
  record(out, keeperOpNumbers[keeper.kind], 'keeper', () =>
    keeper.kind === 'shim' ? writeShim(out, keeper) : writeLauncher(out, keeper),
  );
  record(out, keeperOpNumbers[spawn.kind], 'keeper', () => writeSpawn(out, spawn));
  if (health !== undefined) record(out, keeperOpNumbers.health, 'keeper', () => writeHealth(out, health));
  if (runtime?.program === null) {
    record(out, keeperOpNumbers.restore, 'keeper', () => writeRestoration(out, runtime));
  } else if (runtime !== undefined) {
    record(out, keeperOpNumbers.runtime, 'keeper', () => writeRuntime(out, runtime));
  }
  for (const [phase, list] of steps) {
    for (const step of list) {
      const lengthAt = begin(out, opNumbers[step.op], phase);
      writeStep(out, step);
      end(out, lengthAt);
    }
  }
  out.patch(8, out.length());
  return out.bytes();
}

function record(out: Writer, op: number, phase: Phase, payload: () => void): void {
  const lengthAt = begin(out, op, phase);
  payload();
  end(out, lengthAt);
}

/** @returns where the length of the payload stands, for `end` */
function begin(out: Writer, op: number, phase: Phase): number {
  out.u16(op);
  out.u16(phaseNumbers[phase]);
  const lengthAt = out.length();
  out.u32(0);
  return lengthAt;
}

function end(out: Writer, lengthAt: number): void {
  out.patch(lengthAt, out.length() - lengthAt - 4);
}

function writeStep(out: Writer, step: Step): void {
  // The row was found by the step's own op, so it takes this step; the type system can't follow that correlation.
  (payloads[step.op] as (out: Writer, step: Step) => void)(out, step);
}

function writeHook(out: Writer, hook: HookStep): void {
  out.u32(hookKindNumbers[hook.kind]);
  out.u32(hook.index);
  out.string(hook.path);
  out.strings(hook.args);
  out.strings(hook.env);
  out.u32(hook.timeout ?? 0);
  out.string(hook.state.before);
  out.string(hook.state.after);
}

function writeAttributes(out: Writer, attributes: MountAttributes): void {
  // All attributes there are fit into the lower half (<linux/mount.h>).
  out.u32(attributes.set);
  out.u32(0);
  out.u32(attributes.clear);
  out.u32(0);
}

function writeIdMap(out: Writer, map: readonly IdMapping[]): void {
  if (map.length === 0) {
    out.u32(0);
    return;
  }
  out.list(map, (item) => {
    out.u32(item.containerId);
    out.u32(item.hostId);
    out.u32(item.size);
  });
}
