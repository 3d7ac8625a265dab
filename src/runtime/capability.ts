/** Capabilities: names, sets of bits and Docker's rules for adding and dropping them. Pure. */
import { OnggiError } from '../errors.ts';

/** <linux/capability.h> of Linux 6.1 (unchanged up to 6.18); the index is the number. */
export const allCapabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;

export type Capability = (typeof allCapabilities)[number];

/** What a container gets unless told otherwise (moby, daemon/pkg/oci/caps, DefaultCapabilities). */
export const defaultCapabilities: readonly Capability[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

const numbers: ReadonlyMap<string, number> = new Map(allCapabilities.map((name, index) => [name, index]));

export function isCapability(name: string): name is Capability {
  return numbers.has(name);
}

/** The bit set of these names; names that this version does not know are left out (see `isCapability`). */
export function capabilitySet(names: readonly string[]): bigint {
  let set = 0n;
  for (const name of names) {
    const number = numbers.get(name);
    if (number !== undefined) set |= 1n << BigInt(number);
  }
  return set;
}

/** Inverse of `capabilitySet` for known bits, in the order of their numbers. */
export function capabilityNamesOf(set: bigint): Capability[] {
  return allCapabilities.filter((_, number) => ((set >> BigInt(number)) & 1n) === 1n);
}

/**
 * The capabilities of a container by `--cap-add`, `--cap-drop` and `--privileged` (names with or without CAP_, any
 * case, or ALL), in numerical order. As in moby's TweakCapabilities: adding ALL starts from all and takes the drops
 * away; dropping ALL leaves only what is added; else the default set, less the drops, plus what is added. One
 * departure: with `privileged` Docker forgets the drops, here they hold.
 *
 * @throws OnggiError `invalid` for an unknown name
 */
export function containerCapabilities(request: {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly privileged: boolean;
}): Capability[] {
  const add = normalise(request.add);
  const drop = normalise(request.drop);
  let chosen: ReadonlySet<string>;
  if (request.privileged || add.has('ALL')) {
    chosen = drop.has('ALL') && !add.has('ALL') ? add : without(allCapabilities, drop);
  } else if (drop.has('ALL')) {
    chosen = add;
  } else {
    chosen = new Set([...without(defaultCapabilities, drop), ...add]);
  }
  return allCapabilities.filter((name) => chosen.has(name));
}

function without(names: readonly Capability[], drop: ReadonlySet<string>): Set<string> {
  return new Set(names.filter((name) => !drop.has(name)));
}

function normalise(names: readonly string[]): Set<string> {
  return new Set(
    names.map((text) => {
      const upper = text.toUpperCase();
      if (upper === 'ALL' || upper === 'CAP_ALL') return 'ALL';
      const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
      if (isCapability(name)) return name;
      throw new OnggiError('invalid', `capability "${text}": no such capability`, {
        hint: 'See capabilities(7) for the names.',
      });
    }),
  );
}

/** What the first process of a user namespace holds in it, whoever made it (user_namespaces(7)). */
export const everyCapability = capabilitySet(allCapabilities);
