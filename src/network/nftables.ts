/**
 * Messages of nf_tables (<linux/netfilter/nf_tables.h>): a batch that the kernel applies as a whole or not at all.
 * Pure. Names of expressions and keys are the kernel's; `nft -a list ruleset` shows the same in words.
 */
import {
  type Attribute,
  attribute,
  bigEndian32,
  flags,
  type Message,
  parseAttributeList,
  parseAttributes,
  parseText,
  type ReceivedMessage,
  text,
} from './netlink-message.ts';

const subsystem = 10;
const ipv4Family = 2;

/** NFT_MSG_* */
const types = {
  newTable: 0,
  getTable: 1,
  deleteTable: 2,
  newChain: 3,
  getChain: 4,
  newRule: 6,
  newSet: 9,
  newElement: 12,
  getElement: 13,
  deleteElement: 14,
} as const;

/** struct nfgenmsg: family, version, resource id (big-endian). */
function header(family: number, resource = 0): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt8(family, 0);
  bytes.writeUInt16BE(resource, 2);
  return bytes;
}

function message(type: number, messageFlags: number, attributes: readonly Attribute[], what: string): Message {
  return { type: (subsystem << 8) | type, flags: messageFlags, header: header(ipv4Family), attributes, what };
}

/** Brackets of a batch: NFNL_MSG_BATCH_BEGIN and _END. */
export function batch(messages: readonly Message[]): Message[] {
  const bracket = (type: number, what: string): Message => ({
    type,
    flags: 0,
    header: header(0, subsystem),
    attributes: [],
    what,
  });
  return [bracket(16, 'begin a batch of rules'), ...messages, bracket(17, 'commit a batch of rules')];
}

export function newTable(name: string): Message {
  return message(
    types.newTable,
    flags.ack | flags.create | flags.exclusive,
    [attribute(1, text(name))],
    `create table "${name}"`,
  );
}

/** Idempotent with `newTable` before it in a batch that leaves out `exclusive`; here: refused when it is missing. */
export function deleteTable(name: string): Message {
  return message(types.deleteTable, flags.ack, [attribute(1, text(name))], `delete table "${name}"`);
}

export function getTable(name: string): Message {
  return message(types.getTable, 0, [attribute(1, text(name))], `look at table "${name}"`);
}

export function listTables(): Message {
  return message(types.getTable, flags.dump, [], 'list tables');
}

export function listChains(): Message {
  return { ...message(types.getChain, flags.dump, [], 'list chains'), header: header(0) };
}

/** NF_INET_* */
export const hooks = { prerouting: 0, forward: 2, output: 3, postrouting: 4 } as const;

export type Hook = {
  readonly type: 'filter' | 'nat';
  readonly hook: keyof typeof hooks;
  /** Lower is earlier: raw -300, dstnat -100, filter 0, srcnat 100. */
  readonly priority: number;
};

/** A chain; without a hook it is only reached by a jump. */
export function newChain(table: string, name: string, hook?: Hook): Message {
  const base =
    hook === undefined
      ? []
      : [
          attribute(4, [attribute(1, bigEndian32(hooks[hook.hook])), attribute(2, bigEndian32(hook.priority))]),
          attribute(7, text(hook.type)),
        ];
  const attributes = [attribute(1, text(table)), attribute(3, text(name)), ...base];
  return message(types.newChain, flags.ack | flags.create, attributes, `create chain "${name}"`);
}

/** One expression of a rule: its name and its attributes. */
export type Expression = { readonly name: string; readonly attributes: readonly Attribute[] };

export function newRule(table: string, chain: string, expressions: readonly Expression[], what: string): Message {
  const list = expressions.map(({ name, attributes }) =>
    attribute(1, [attribute(1, text(name)), attribute(2, attributes)]),
  );
  const attributes = [attribute(1, text(table)), attribute(2, text(chain)), attribute(4, list)];
  return message(types.newRule, flags.ack | flags.create | flags.append, attributes, what);
}

export type SetOptions = {
  readonly name: string;
  readonly id: number;
  readonly keyType: number;
  readonly keyLength: number;
};

/** A map is a set with data. Types are those of nft(8), which packs the parts of a concatenation by six bits. */
export type MapOptions = SetOptions & {
  readonly dataType: number;
  readonly dataLength: number;
};

/** NFT_SET_MAP */
const mapFlag = 8;

function setMessage(table: string, set: SetOptions, setFlags: number, data: readonly Attribute[]): Message {
  const attributes = [
    attribute(1, text(table)),
    attribute(2, text(set.name)),
    attribute(3, bigEndian32(setFlags)),
    attribute(4, bigEndian32(set.keyType)),
    attribute(5, bigEndian32(set.keyLength)),
    ...data,
    attribute(10, bigEndian32(set.id)),
  ];
  return message(types.newSet, flags.ack | flags.create, attributes, `create set "${set.name}"`);
}

export function newSet(table: string, set: SetOptions): Message {
  return setMessage(table, set, 0, []);
}

export function newMap(table: string, map: MapOptions): Message {
  const data = [attribute(6, bigEndian32(map.dataType)), attribute(7, bigEndian32(map.dataLength))];
  return setMessage(table, map, mapFlag, data);
}

/** `data` is that of a map; a comment of "" is none. */
export type Element = { readonly key: Uint8Array; readonly data?: Uint8Array; readonly comment: string };

function value(bytes: Uint8Array): Attribute[] {
  return [attribute(1, bytes)];
}

/** NFTNL_UDATA_SET_ELEM_COMMENT: how nft(8) keeps comments, as type, length, text with NUL. */
const commentType = 0;

function userData(comment: string): Uint8Array {
  const bytes = text(comment);
  return Uint8Array.of(commentType, bytes.length, ...bytes);
}

/** An attribute holds 65535 bytes; an element with a comment of 64 takes some 110. */
const elementsPerMessage = 400;

function elementMessages(
  type: number,
  messageFlags: number,
  target: { readonly table: string; readonly map: string },
  list: readonly Attribute[][],
  what: string,
): Message[] {
  const messages: Message[] = [];
  for (let first = 0; first < list.length; first += elementsPerMessage) {
    const items = list.slice(first, first + elementsPerMessage).map((attributes) => attribute(1, attributes));
    const attributes = [attribute(1, text(target.table)), attribute(2, text(target.map)), attribute(3, items)];
    messages.push(message(type, messageFlags, attributes, what));
  }
  return messages;
}

/** Adds elements; one that is there already with the same key is refused with EEXIST. As many messages as it takes. */
export function newElements(table: string, map: string, list: readonly Element[]): Message[] {
  const items = list.map(({ key, data, comment }) => [
    attribute(1, value(key)),
    ...(data === undefined ? [] : [attribute(2, value(data))]),
    ...(comment === '' ? [] : [attribute(6, userData(comment))]),
  ]);
  const messageFlags = flags.ack | flags.create | flags.exclusive;
  return elementMessages(types.newElement, messageFlags, { table, map }, items, `add to map "${map}"`);
}

export function deleteElements(table: string, map: string, keys: readonly Uint8Array[]): Message[] {
  const items = keys.map((key) => [attribute(1, value(key))]);
  return elementMessages(types.deleteElement, flags.ack, { table, map }, items, `delete from map "${map}"`);
}

export function listElements(table: string, map: string): Message {
  const attributes = [attribute(1, text(table)), attribute(2, text(map))];
  return message(types.getElement, flags.dump, attributes, `list map "${map}"`);
}

function isReply(type: number): (reply: ReceivedMessage) => boolean {
  return (reply) => reply.type === ((subsystem << 8) | type) && reply.payload.length >= 4;
}

/** Names of tables of the family ip among the replies of `listTables` and `getTable`. */
export function parseTables(replies: readonly ReceivedMessage[]): string[] {
  return replies
    .filter(isReply(types.newTable))
    .filter(({ payload }) => payload[0] === ipv4Family)
    .map(({ payload }) => parseText(parseAttributes(payload, 4).get(1) ?? Buffer.alloc(0)));
}

function comment(bytes: Buffer | undefined): string {
  if (bytes === undefined || bytes[0] !== commentType || bytes.length < 2) return '';
  return parseText(bytes.subarray(2, 2 + bytes.readUInt8(1)));
}

/** Elements among the replies of `listElements`. */
export function parseElements(replies: readonly ReceivedMessage[]): Element[] {
  const lists = replies.filter(isReply(types.newElement)).map(({ payload }) => parseAttributes(payload, 4).get(3));
  return lists
    .flatMap((list) => (list === undefined ? [] : parseAttributeList(list)))
    .map(([, element]) => {
      const found = parseAttributes(element);
      const bytes = (type: number): Buffer =>
        parseAttributes(found.get(type) ?? Buffer.alloc(0)).get(1) ?? Buffer.alloc(0);
      return { key: bytes(1), data: bytes(2), comment: comment(found.get(6)) };
    });
}

export type BaseChain = {
  readonly table: string;
  readonly name: string;
  readonly hook: number;
  readonly policy: 'accept' | 'drop';
};

/** Chains with a hook and a policy, of the families ip and inet. */
export function parseBaseChains(replies: readonly ReceivedMessage[]): BaseChain[] {
  const inetFamily = 1;
  return replies
    .filter(isReply(types.newChain))
    .filter(({ payload }) => payload[0] === ipv4Family || payload[0] === inetFamily)
    .flatMap(({ payload }) => {
      const found = parseAttributes(payload, 4);
      const hook = parseAttributes(found.get(4) ?? Buffer.alloc(0)).get(1);
      const policy = found.get(5);
      if (hook === undefined || policy === undefined) return [];
      const word = (type: number): string => parseText(found.get(type) ?? Buffer.alloc(0));
      return [
        {
          table: word(1),
          name: word(3),
          hook: hook.readUInt32BE(0),
          policy: policy.readUInt32BE(0) === 0 ? ('drop' as const) : ('accept' as const),
        },
      ];
    });
}
