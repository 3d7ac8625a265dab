/**
 * Netlink messages and attributes as bytes (netlink(7), <linux/netlink.h>). Pure. Numbers are in host order, which is
 * little-endian on every machine that onggi runs on; what is big-endian says so in its name.
 *
 * Round trip: `parseMessages(encodeMessages(m))` gives the same types, flags and payloads; `parseAttributes` undoes
 * the encoding of attributes, one level a call.
 */
import { OnggiError } from '../errors.ts';

export type Attribute = {
  readonly type: number;
  readonly value: AttributeValue;
};

/** Bytes, nested attributes, a structure followed by attributes, or the place of a pid that is not known yet. */
export type AttributeValue =
  | Uint8Array
  | readonly Attribute[]
  | { readonly header: Uint8Array; readonly attributes: readonly Attribute[] }
  | 'pid';

export type Message = {
  readonly type: number;
  readonly flags: number;
  /** The fixed structure of the family (ifinfomsg, nfgenmsg, ...). */
  readonly header: Uint8Array;
  readonly attributes: readonly Attribute[];
  /** In words, for errors and `explain`. */
  readonly what: string;
};

/** NLM_F_* */
export const flags = {
  request: 0x1,
  ack: 0x4,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
} as const;

/** NLM_F_DUMP_INTR, of a reply: what is listed changed meanwhile, so that entries may be missing or twice. */
export const interruptedFlag = 0x10;
export const errorType = 2;
export const doneType = 3;

const headerSize = 16;
const nested = 0x8000;
/** NLA_TYPE_MASK: without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const typeMask = 0x3fff;

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u16(value: number): Uint8Array {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function bigEndian16(value: number): Uint8Array {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** Also of negative values, in two's complement. */
export function bigEndian32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** With the NUL at its end that the kernel expects. */
export function text(value: string): Uint8Array {
  return Buffer.from(`${value}\0`);
}

export function attribute(type: number, value: AttributeValue): Attribute {
  return { type, value };
}

const aligned = (length: number): number => (length + 3) & ~3;

function isList(value: AttributeValue): value is readonly Attribute[] {
  return Array.isArray(value);
}

function sizeOfValue(value: AttributeValue): number {
  if (value === 'pid') return 4;
  if (value instanceof Uint8Array) return value.length;
  if (isList(value)) return sizeOfAttributes(value);
  return aligned(value.header.length) + sizeOfAttributes(value.attributes);
}

function sizeOfAttributes(attributes: readonly Attribute[]): number {
  return attributes.reduce((size, { value }) => size + 4 + aligned(sizeOfValue(value)), 0);
}

type Writer = { readonly bytes: Buffer; offset: number; readonly pidAt: number[] };

function writeBytes(writer: Writer, bytes: Uint8Array): void {
  writer.bytes.set(bytes, writer.offset);
  writer.offset += aligned(bytes.length);
}

function writeAttributes(writer: Writer, attributes: readonly Attribute[]): void {
  for (const { type, value } of attributes) {
    const isNested = value !== 'pid' && !(value instanceof Uint8Array);
    const length = 4 + sizeOfValue(value);
    if (length > 0xffff) throw new OnggiError('internal', `netlink attribute ${type}: ${length} bytes, above 65535`);
    writer.bytes.writeUInt16LE(length, writer.offset);
    writer.bytes.writeUInt16LE(isNested ? type | nested : type, writer.offset + 2);
    writer.offset += 4;
    if (value === 'pid') {
      writer.pidAt.push(writer.offset);
      writer.offset += 4;
    } else if (value instanceof Uint8Array) {
      writeBytes(writer, value);
    } else if (isList(value)) {
      writeAttributes(writer, value);
    } else {
      writeBytes(writer, value.header);
      writeAttributes(writer, value.attributes);
    }
  }
}

export type Encoded = {
  readonly bytes: Uint8Array;
  /** Offsets of the places for a pid. */
  readonly pidAt: readonly number[];
};

/** All messages in one run of bytes, with sequence numbers from 1 in their order. */
export function encodeMessages(messages: readonly Message[]): Encoded {
  const lengths = messages.map(
    ({ header, attributes }) => headerSize + aligned(header.length) + sizeOfAttributes(attributes),
  );
  const total = lengths.reduce((sum, length) => sum + aligned(length), 0);
  const writer: Writer = { bytes: Buffer.alloc(total), offset: 0, pidAt: [] };
  messages.forEach((message, index) => {
    const { bytes, offset } = writer;
    bytes.writeUInt32LE(lengths[index] ?? 0, offset);
    bytes.writeUInt16LE(message.type, offset + 4);
    bytes.writeUInt16LE(message.flags | flags.request, offset + 6);
    bytes.writeUInt32LE(index + 1, offset + 8);
    writer.offset += headerSize;
    writeBytes(writer, message.header);
    writeAttributes(writer, message.attributes);
  });
  return { bytes: writer.bytes, pidAt: writer.pidAt };
}

export type ReceivedMessage = {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Buffer;
};

function corrupt(what: string): OnggiError {
  return new OnggiError('corrupt', `netlink reply: ${what}`);
}

/** @throws OnggiError `corrupt` for lengths that leave the datagram */
export function parseMessages(datagram: Uint8Array): ReceivedMessage[] {
  const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const messages: ReceivedMessage[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    if (bytes.length - offset < headerSize) throw corrupt(`${bytes.length - offset} bytes left over`);
    const length = bytes.readUInt32LE(offset);
    if (length < headerSize || length > bytes.length - offset) throw corrupt(`message of ${length} bytes`);
    messages.push({
      type: bytes.readUInt16LE(offset + 4),
      flags: bytes.readUInt16LE(offset + 6),
      sequence: bytes.readUInt32LE(offset + 8),
      payload: bytes.subarray(offset + headerSize, offset + length),
    });
    offset += aligned(length);
  }
  return messages;
}

/**
 * Attributes by type, of the bytes from `offset`. Of a type that stands twice the last one counts.
 *
 * @throws OnggiError `corrupt`
 */
export function parseAttributes(bytes: Buffer, offset = 0): Map<number, Buffer> {
  return new Map(parseAttributeList(bytes, offset));
}

/** As `parseAttributes`, every one in its order. */
export function parseAttributeList(bytes: Buffer, offset = 0): [number, Buffer][] {
  const found: [number, Buffer][] = [];
  for (let at = offset; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || length > bytes.length - at) throw corrupt(`attribute of ${length} bytes`);
    found.push([bytes.readUInt16LE(at + 2) & typeMask, bytes.subarray(at + 4, at + length)]);
    at += aligned(length);
  }
  return found;
}

/** A string attribute without its NUL. */
export function parseText(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? bytes.length : end);
}

export type Refusal = {
  /** Positive errno, 0 for an acknowledgement. */
  readonly errno: number;
  /** The kernel's own words (NLMSGERR_ATTR_MSG), "" without. */
  readonly text: string;
};

/**
 * The payload of an NLMSG_ERROR: errno, the header of the request, then attributes. The socket asked for capped
 * acknowledgements, so the request's payload is not in between.
 */
export function parseError(payload: Buffer): Refusal {
  if (payload.length < 4) throw corrupt(`error of ${payload.length} bytes`);
  const errno = Math.abs(payload.readInt32LE(0));
  const attributesAt = 4 + headerSize;
  const words = payload.length > attributesAt ? parseAttributes(payload, attributesAt).get(1) : undefined;
  return { errno, text: words === undefined ? '' : parseText(words) };
}
