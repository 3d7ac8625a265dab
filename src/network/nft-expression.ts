/**
 * Expressions of nf_tables rules, each one instruction of the kernel's little machine: load something into a register,
 * compare a register, act. Pure. Registers are the 32-bit ones (NFT_REG32_00 is 8), the verdict is register 0.
 */
import { attribute, bigEndian32, text, u32 } from './netlink-message.ts';
import type { Expression } from './nftables.ts';

const register = (index: number): number => 8 + index;

/** NFT_META_* */
const metaKeys = { inputName: 6, outputName: 7, protocol: 16 } as const;

function loadMeta(key: keyof typeof metaKeys, into = 0): Expression {
  return {
    name: 'meta',
    attributes: [attribute(2, bigEndian32(metaKeys[key])), attribute(1, bigEndian32(register(into)))],
  };
}

/** NFT_CMP_EQ and NFT_CMP_NEQ: the rule goes on only when it holds. */
function compare(operation: 'is' | 'is not', bytes: Uint8Array): Expression {
  return {
    name: 'cmp',
    attributes: [
      attribute(1, bigEndian32(register(0))),
      attribute(2, bigEndian32(operation === 'is' ? 0 : 1)),
      attribute(3, [attribute(1, bytes)]),
    ],
  };
}

/** Link names are compared in all their 16 bytes, so that "onggi1" does not mean "onggi10" too. */
export function linkNameBytes(name: string): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.write(name);
  return bytes;
}

export function inputLink(operation: 'is' | 'is not', name: string): Expression[] {
  return [loadMeta('inputName'), compare(operation, linkNameBytes(name))];
}

export function outputLink(operation: 'is' | 'is not', name: string): Expression[] {
  return [loadMeta('outputName'), compare(operation, linkNameBytes(name))];
}

/** NFTA_LOOKUP_*: the rule goes on when the register is in the set; with a map, its data goes into a register. */
function lookUp(set: string, id: number, into: 'nothing' | 'register'): Expression {
  const target = into === 'register' ? [attribute(3, bigEndian32(register(0)))] : [];
  return {
    name: 'lookup',
    attributes: [
      attribute(1, text(set)),
      attribute(2, bigEndian32(register(0))),
      ...target,
      attribute(4, bigEndian32(id)),
    ],
  };
}

export function inputLinkIn(set: string, id: number): Expression[] {
  return [loadMeta('inputName'), lookUp(set, id, 'nothing')];
}

export function outputLinkIn(set: string, id: number): Expression[] {
  return [loadMeta('outputName'), lookUp(set, id, 'nothing')];
}

/** NFT_PAYLOAD_NETWORK_HEADER and _TRANSPORT_HEADER. */
function loadPayload(base: 'network' | 'transport', offset: number, length: number, into = 0): Expression {
  return {
    name: 'payload',
    attributes: [
      attribute(1, bigEndian32(register(into))),
      attribute(2, bigEndian32(base === 'network' ? 1 : 2)),
      attribute(3, bigEndian32(offset)),
      attribute(4, bigEndian32(length)),
    ],
  };
}

function mask(bytes: Uint8Array): Expression {
  return {
    name: 'bitwise',
    attributes: [
      attribute(1, bigEndian32(register(0))),
      attribute(2, bigEndian32(register(0))),
      attribute(3, bigEndian32(bytes.length)),
      attribute(4, [attribute(1, bytes)]),
      attribute(5, [attribute(1, new Uint8Array(bytes.length))]),
    ],
  };
}

/** Offsets in the IPv4 header. */
const sourceAt = 12;
const destinationAt = 16;

export type Range = { readonly base: Uint8Array; readonly mask: Uint8Array };

export function source({ base, mask: bits }: Range): Expression[] {
  return [loadPayload('network', sourceAt, 4), mask(bits), compare('is', base)];
}

export function destination({ base, mask: bits }: Range): Expression[] {
  return [loadPayload('network', destinationAt, 4), mask(bits), compare('is', base)];
}

/** The packet is for an address of this host (NFT_FIB_RESULT_ADDRTYPE of the destination is RTN_LOCAL). */
export const forThisHost: readonly Expression[] = [
  {
    name: 'fib',
    attributes: [attribute(3, bigEndian32(2)), attribute(2, bigEndian32(3)), attribute(1, bigEndian32(register(0)))],
  },
  compare('is', u32(2)),
];

/** The destination of the packet's connection was rewritten (NFT_CT_STATUS has IPS_DST_NAT). */
export const wasRedirected: readonly Expression[] = [
  { name: 'ct', attributes: [attribute(2, bigEndian32(2)), attribute(1, bigEndian32(register(0)))] },
  mask(u32(32)),
  compare('is not', u32(0)),
];

/** NF_DROP, NF_ACCEPT, NFT_JUMP. */
const verdicts = { drop: 0, accept: 1, jump: -3 } as const;

export function verdict(word: keyof typeof verdicts, chain?: string): Expression {
  const target = chain === undefined ? [] : [attribute(2, text(chain))];
  return {
    name: 'immediate',
    attributes: [
      attribute(1, bigEndian32(0)),
      attribute(2, [attribute(2, [attribute(1, bigEndian32(verdicts[word])), ...target])]),
    ],
  };
}

export const masquerade: Expression = { name: 'masq', attributes: [] };

/**
 * Looks the packet up by protocol and destination port, before them its destination address if `withAddress`, and
 * rewrites destination address and port to what was found; the rule ends where nothing is.
 */
export function redirectByMap(map: string, id: number, withAddress: boolean): Expression[] {
  const first = withAddress ? [loadPayload('network', destinationAt, 4)] : [];
  const place = first.length;
  return [
    ...first,
    loadMeta('protocol', place),
    // th dport: the same place in the headers of TCP and UDP.
    loadPayload('transport', 2, 2, place + 1),
    lookUp(map, id, 'register'),
    {
      name: 'nat',
      attributes: [
        attribute(1, bigEndian32(1)), // NFT_NAT_DNAT
        attribute(2, bigEndian32(2)), // NFPROTO_IPV4
        attribute(3, bigEndian32(register(0))),
        attribute(5, bigEndian32(register(1))),
      ],
    },
  ];
}
