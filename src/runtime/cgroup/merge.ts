/** Limits of a running container and what is to change of them (`update`). Pure. */
import { OnggiError, unsupported } from '../../errors.ts';
import type { Resources } from '../../oci/runtime-spec.ts';

/**
 * The limits after the change: fields that `change` has, the others as they are. Of lists by device the change's
 * entries replace those of the same device. What an `update` can't touch is refused.
 *
 * @throws OnggiError `unsupported`, `invalid`
 */
export function mergeResources(current: Resources, change: Resources): Resources {
  checkDevices(current, change);
  const memory = mergeMemory(current.memory ?? {}, change.memory ?? {});
  const blockIO = mergeBlockIo(current.blockIO ?? {}, change.blockIO ?? {});
  const network = { ...current.network, ...given(change.network) };
  const unified = mergeUnified(current, change);
  return {
    ...current,
    ...present('memory', memory),
    ...present('cpu', { ...current.cpu, ...given(change.cpu) }),
    ...(change.pids?.limit && { pids: change.pids }),
    ...present('blockIO', blockIO),
    ...(change.hugepageLimits !== undefined && {
      hugepageLimits: byKey(current.hugepageLimits, change.hugepageLimits, ({ pageSize }) => pageSize),
    }),
    ...present('network', network),
    ...(change.rdma !== undefined && { rdma: { ...current.rdma, ...change.rdma } }),
    ...(unified !== undefined && { unified }),
  };
}

/** The kernel offers no way to change them all at once, and no other runtime does; engines send them unchanged. */
function checkDevices(current: Resources, change: Resources): void {
  if (change.devices === undefined || change.devices.length === 0) return;
  if (JSON.stringify(change.devices) === JSON.stringify(current.devices ?? [])) return;
  throw unsupported('a change of the device rules of a running container', 'Create it anew with the other rules.');
}

/** Files of v2 that a field decides, which a file by its name would decide otherwise. */
const decided: Readonly<Record<string, (change: Resources) => unknown>> = {
  'memory.max': ({ memory }) => memory?.limit,
  'memory.swap.max': ({ memory }) => memory?.swap || memory?.limit,
  'memory.low': ({ memory }) => memory?.reservation,
  'cpu.weight': ({ cpu }) => cpu?.shares || cpu?.idle !== undefined,
  'cpu.weight.nice': ({ cpu }) => cpu?.shares || cpu?.idle !== undefined,
  'cpu.idle': ({ cpu }) => cpu?.idle !== undefined,
  'cpu.max': ({ cpu }) => cpu?.quota || cpu?.period,
  'cpu.max.burst': ({ cpu }) => cpu?.burst !== undefined,
  'cpuset.cpus': ({ cpu }) => cpu?.cpus,
  'cpuset.mems': ({ cpu }) => cpu?.mems,
  'pids.max': ({ pids }) => pids?.limit,
  'io.weight': ({ blockIO }) => blockIO?.weight,
  'io.bfq.weight': ({ blockIO }) => blockIO?.weight,
};

/** The last word holds: a field that changes now goes before a file that was named earlier. */
function mergeUnified(current: Resources, change: Resources): Resources['unified'] {
  if (current.unified === undefined) return change.unified;
  const earlier = Object.entries(current.unified).filter(([file]) => !decided[file]?.(change));
  return { ...Object.fromEntries(earlier), ...change.unified };
}

type Memory = NonNullable<Resources['memory']>;

/**
 * A limit above what memory and swap are limited to together is no mistake of the field that was not named. Without a
 * limit of the memory there is none of both together, as with runc.
 */
function mergeMemory(current: Memory, change: Memory): Memory {
  // Obsolete, and where kernels still keep them they are in force: who changes another is not told of them again.
  const { kernel: _, kernelTCP: __, ...kept } = current;
  const memory = { ...kept, ...given(change) };
  if (change.limit === -1 && !change.swap && (current.swap ?? 0) > 0) return { ...memory, swap: -1 };
  const { limit, swap } = memory;
  const grown = limit !== undefined && swap !== undefined && limit > 0 && swap > 0 && limit > swap;
  if (grown && !(change.swap !== undefined && change.swap !== 0)) {
    throw new OnggiError('invalid', `memory: ${limit} bytes are more than the ${swap} of memory and swap together`, {
      hint: 'Raise the limit of memory and swap in the same update.',
    });
  }
  return memory;
}

type BlockIo = NonNullable<Resources['blockIO']>;

function mergeBlockIo(current: BlockIo, change: BlockIo): BlockIo {
  const device = ({ major, minor }: { readonly major: number; readonly minor: number }): string => `${major}:${minor}`;
  const merged: Record<string, unknown> = { ...current, ...given(change) };
  for (const name of [
    'weightDevice',
    'throttleReadBpsDevice',
    'throttleWriteBpsDevice',
    'throttleReadIOPSDevice',
    'throttleWriteIOPSDevice',
  ] as const) {
    const [before, after] = [current[name], change[name]] as const;
    if (before !== undefined || after !== undefined)
      merged[name] = byKey<{ major: number; minor: number }>(before, after, device);
  }
  return merged as BlockIo;
}

function byKey<T>(before: readonly T[] | undefined, after: readonly T[] | undefined, key: (item: T) => string): T[] {
  const items = [...(before ?? []), ...(after ?? [])].map((item) => [key(item), item] as const);
  return [...new Map(items).values()];
}

/** Fields that say something: engines send 0 and "" for "as it is" (runc update). */
function given<T extends object>(fields: T | undefined): Partial<T> {
  const kept = Object.entries(fields ?? {}).filter(
    ([name, value]) => value !== undefined && value !== null && value !== '' && (value !== 0 || keepsZero.has(name)),
  );
  return Object.fromEntries(kept) as Partial<T>;
}

/** Where 0 is a value of its own. */
const keepsZero: ReadonlySet<string> = new Set(['burst', 'idle', 'swappiness']);

function present<K extends string, T extends object>(name: K, fields: T): { readonly [P in K]?: T } {
  return (Object.keys(fields).length > 0 ? { [name]: fields } : {}) as { readonly [P in K]?: T };
}
