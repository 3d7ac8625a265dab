/**
 * Addresses of links as rtnetlink(7) tells and takes them, of whatever family. Pure. Numbers are of <linux/if_addr.h> and
 * <linux/rtnetlink.h>.
 */
import {
  type Attribute,
  attribute,
  flags,
  type Message,
  parseAttributes,
  type ReceivedMessage,
  u32,
} from './netlink-message.ts';

const types = { add: 20, get: 22 };

/** IFA_* */
const own = { address: 1, local: 2, broadcast: 4, flags: 8, priority: 9 };

export type LinkAddress = {
  readonly index: number;
  /** Given, not learnt from a router. */
  readonly permanent: boolean;
  readonly global: boolean;
  readonly family: number;
  readonly prefixLength: number;
  /** IFA_F_*, those that are a wish. */
  readonly flags: number;
  /** Attributes that say which one it is. */
  readonly attributes: readonly Attribute[];
};

/** Addresses of all links and families. */
export function listAddresses(): Message {
  return {
    type: types.get,
    flags: flags.dump,
    header: Buffer.alloc(8),
    attributes: [],
    what: 'list addresses',
  };
}

const IFA_F_PERMANENT = 0x80;
/** IFA_F_NODAD, IFA_F_NOPREFIXROUTE. */
const wishes = 0x02 | 0x200;

/** Among the replies of `listAddresses`. */
export function parseAddresses(replies: readonly ReceivedMessage[]): LinkAddress[] {
  return replies
    .filter(({ type, payload }) => type === types.add && payload.length >= 8)
    .map(({ payload }) => {
      const found = parseAttributes(payload, 8);
      const all = found.get(own.flags)?.readUInt32LE(0) ?? payload.readUInt8(2);
      return {
        index: payload.readInt32LE(4),
        permanent: (all & IFA_F_PERMANENT) !== 0,
        global: payload.readUInt8(3) === 0,
        family: payload.readUInt8(0),
        prefixLength: payload.readUInt8(1),
        flags: all & wishes,
        attributes: [own.address, own.local, own.broadcast, own.priority].flatMap((type) => {
          const value = found.get(type);
          return value === undefined ? [] : [attribute(type, value)];
        }),
      };
    });
}

/** Gives a link an address that it had elsewhere. */
export function restoreAddress(one: LinkAddress, index: number): Message {
  const header = Buffer.alloc(8);
  header.writeUInt8(one.family, 0);
  header.writeUInt8(one.prefixLength, 1);
  header.writeInt32LE(index, 4);
  return {
    type: types.add,
    flags: flags.ack | flags.create | flags.exclusive,
    header,
    attributes: [...one.attributes, attribute(own.flags, u32(one.flags))],
    what: 'give it the address that it had',
  };
}
