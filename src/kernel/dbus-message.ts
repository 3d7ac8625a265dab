/**
 * Messages of D-Bus as bytes (D-Bus Specification 0.43, "Marshaling (Wire Format)" and "Message Protocol"). Pure.
 *
 * Little-endian is written, both orders are read. Own code, because the npm packages that speak D-Bus bring XML and
 * stream libraries that have been without an owner for years, and this is 300 lines.
 */
import { OnggiError } from '../errors.ts';

/**
 * Numbers of up to 32 bits are numbers, of 64 bits bigints; structs, arrays and dictionary entries are arrays; an array
 * of bytes is a Uint8Array.
 */
export type DbusValue = number | bigint | boolean | string | Uint8Array | DbusVariant | readonly DbusValue[];
export type DbusVariant = { readonly signature: string; readonly value: DbusValue };

export const messageTypes = { call: 1, return: 2, error: 3, signal: 4 } as const;

export type DbusMessage = {
  readonly type: number;
  readonly serial: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly replySerial?: number;
  readonly destination?: string;
  readonly signature?: string;
  /** By `signature`. */
  readonly body: readonly DbusValue[];
};

/** The specification allows 128 MiB; nothing that is asked here comes near this. */
const longestMessage = 4 << 20;
/** Containers within containers: the specification allows 64. */
const deepest = 32;

const alignments: Readonly<Record<string, number>> = {
  ...{ y: 1, g: 1, v: 1, n: 2, q: 2, b: 4, i: 4, u: 4, s: 4, o: 4, a: 4 },
  ...{ x: 8, t: 8, d: 8, '(': 8, '{': 8 },
};

/** Field codes of the header, with the type of each. */
const headerFields = [
  ['path', 1, 'o'],
  ['interface', 2, 's'],
  ['member', 3, 's'],
  ['errorName', 4, 's'],
  ['replySerial', 5, 'u'],
  ['destination', 6, 's'],
  ['signature', 8, 'g'],
] as const;

/** The complete types of a signature: "a(sv)u" has "a(sv)" and "u". @throws OnggiError `invalid` */
export function completeTypes(signature: string): string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length; ) {
    const end = endOfType(signature, at, 0);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

function endOfType(signature: string, at: number, depth: number): number {
  const code = signature[at];
  if (code === undefined || depth > deepest || alignments[code] === undefined) throw badSignature(signature);
  if (code === 'a') return endOfType(signature, at + 1, depth + 1);
  if (code !== '(' && code !== '{') return at + 1;
  const close = code === '(' ? ')' : '}';
  let next = at + 1;
  while (next < signature.length && signature[next] !== close) next = endOfType(signature, next, depth + 1);
  if (next >= signature.length || next === at + 1) throw badSignature(signature);
  return next + 1;
}

function badSignature(signature: string): OnggiError {
  return new OnggiError('invalid', `D-Bus: "${signature}" is not a signature`);
}

/** @throws OnggiError `invalid` when the body does not fit the signature */
export function encodeMessage(message: DbusMessage): Uint8Array {
  const body = makeWriter();
  const types = completeTypes(message.signature ?? '');
  if (types.length !== message.body.length) throw misfit(message.signature ?? '', message.body);
  for (const [index, type] of types.entries()) body.write(type, message.body[index] ?? '');
  const fields: DbusValue[] = headerFields.flatMap(([name, code, signature]) => {
    const value = message[name];
    return value === undefined || value === '' ? [] : [[code, { signature, value }]];
  });
  const head = makeWriter();
  const values: DbusValue[] = ['l'.charCodeAt(0), message.type, 0, 1, body.length(), message.serial, fields];
  for (const [index, type] of completeTypes('yyyyuua(yv)').entries()) head.write(type, values[index] ?? 0);
  head.align(8);
  return new Uint8Array([...head.bytes(), ...body.bytes()]);
}

type Writer = {
  readonly write: (type: string, value: DbusValue) => void;
  readonly align: (size: number) => void;
  readonly length: () => number;
  readonly bytes: () => readonly number[];
};

function makeWriter(): Writer {
  const out: number[] = [];
  const align = (size: number): void => {
    while (out.length % size !== 0) out.push(0);
  };
  const number = (value: number | bigint, size: number): void => {
    for (let i = 0, rest = BigInt.asUintN(64, BigInt(value)); i < size; i++, rest >>= 8n)
      out.push(Number(rest & 0xffn));
  };
  const text = (value: string, lengthSize: number): void => {
    if (value.includes('\0')) throw new OnggiError('invalid', 'D-Bus: a string holds a NUL');
    const bytes = Buffer.from(value);
    number(bytes.length, lengthSize);
    out.push(...bytes, 0);
  };
  const array = (element: string, value: DbusValue): void => {
    number(0, 4);
    const at = out.length;
    align(alignments[element[0] ?? ''] ?? 1);
    const start = out.length;
    if (value instanceof Uint8Array) out.push(...value);
    else for (const item of listOf(element, value)) write(element, item);
    const length = out.length - start;
    for (let i = 0; i < 4; i++) out[at - 4 + i] = (length >>> (8 * i)) & 0xff;
  };
  function write(type: string, value: DbusValue): void {
    const code = type[0] ?? '';
    align(alignments[code] ?? 1);
    if (code === 'a') array(type.slice(1), value);
    else if (code === '(' || code === '{') {
      const types = completeTypes(type.slice(1, -1));
      const items = listOf(type, value);
      if (items.length !== types.length) throw misfit(type, value);
      for (const [index, inner] of types.entries()) write(inner, items[index] ?? '');
    } else if (code === 'v') {
      if (!isVariant(value)) throw misfit(type, value);
      text(value.signature, 1);
      write(value.signature, value.value);
    } else if (code === 's' || code === 'o' || code === 'g') {
      if (typeof value !== 'string') throw misfit(type, value);
      text(value, code === 'g' ? 1 : 4);
    } else if (code === 'b') number(value === true ? 1 : 0, 4);
    else if (typeof value === 'number' || typeof value === 'bigint') number(value, sizes[code] ?? 1);
    else throw misfit(type, value);
  }
  return { write, align, length: () => out.length, bytes: () => out };
}

/** Of the integers; floating-point numbers are not sent. */
const sizes: Readonly<Record<string, number>> = { y: 1, n: 2, q: 2, i: 4, u: 4, x: 8, t: 8 };

function isVariant(value: DbusValue): value is DbusVariant {
  return typeof value === 'object' && 'signature' in value;
}

function listOf(type: string, value: DbusValue): readonly DbusValue[] {
  if (Array.isArray(value)) return value as readonly DbusValue[];
  throw misfit(type, value);
}

function misfit(type: string, value: unknown): OnggiError {
  return new OnggiError('invalid', `D-Bus: ${typeof value} "${String(value)}" does not fit the type "${type}"`);
}

/**
 * The first message of `bytes` and how many of them it took; undefined when more are needed.
 * @throws OnggiError `corrupt`
 */
export function decodeMessage(
  bytes: Uint8Array,
): { readonly message: DbusMessage; readonly length: number } | undefined {
  if (bytes.length < 16) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x6c;
  if (!little && bytes[0] !== 0x42) throw corrupt('the byte order');
  const [bodyLength, serial, fieldsLength] = [
    view.getUint32(4, little),
    view.getUint32(8, little),
    view.getUint32(12, little),
  ];
  const bodyAt = (16 + fieldsLength + 7) & ~7;
  if (fieldsLength > longestMessage || bodyLength > longestMessage) throw corrupt('the length');
  if (bytes.length < bodyAt + bodyLength) return undefined;
  const head = makeReader(bytes.subarray(0, bodyAt), little, 12);
  const fields = head.read('a(yv)', 0) as readonly (readonly [number, DbusVariant])[];
  const found: Record<string, DbusValue> = {};
  for (const [code, { signature, value }] of fields) {
    const field = headerFields.find(([, number, type]) => number === code && type === signature);
    if (field !== undefined) found[field[0]] = value;
  }
  const signature = typeof found['signature'] === 'string' ? found['signature'] : '';
  const body = makeReader(bytes.subarray(bodyAt, bodyAt + bodyLength), little, 0);
  const message = {
    ...found,
    type: bytes[1] ?? 0,
    serial,
    body: completeTypes(signature).map((type) => body.read(type, 0)),
  };
  return { message, length: bodyAt + bodyLength };
}

function corrupt(what: string): OnggiError {
  return new OnggiError('corrupt', `D-Bus: ${what} of a message is wrong`);
}

type Reader = { readonly read: (type: string, depth: number) => DbusValue };

function makeReader(bytes: Uint8Array, little: boolean, start: number): Reader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = start;
  const take = (length: number): number => {
    const from = at;
    at += length;
    if (at > bytes.length) throw corrupt('the end');
    return from;
  };
  const align = (size: number): void => void take((size - (at % size)) % size);
  const text = (length: number): string => {
    const from = take(length + 1);
    return Buffer.from(bytes.buffer, bytes.byteOffset + from, length).toString('utf8');
  };
  const array = (element: string, depth: number): DbusValue => {
    const length = view.getUint32(take(4), little);
    align(alignments[element[0] ?? ''] ?? 1);
    const end = at + length;
    if (end > bytes.length) throw corrupt('an array');
    if (element === 'y') return bytes.slice(take(length), end);
    const items: DbusValue[] = [];
    while (at < end) items.push(read(element, depth + 1));
    return items;
  };
  function read(type: string, depth: number): DbusValue {
    if (depth > deepest) throw corrupt('the depth');
    const code = type[0] ?? '';
    align(alignments[code] ?? 1);
    if (code === 'a') return array(type.slice(1), depth);
    if (code === '(' || code === '{') return completeTypes(type.slice(1, -1)).map((inner) => read(inner, depth + 1));
    if (code === 'v') {
      const signature = text(view.getUint8(take(1)));
      const [only, ...more] = completeTypes(signature);
      if (only === undefined || more.length > 0) throw corrupt('a variant');
      return { signature, value: read(only, depth + 1) };
    }
    if (code === 's' || code === 'o') return text(view.getUint32(take(4), little));
    if (code === 'g') return text(view.getUint8(take(1)));
    return scalar(code);
  }
  function scalar(code: string): DbusValue {
    if (code === 'y') return view.getUint8(take(1));
    if (code === 'n') return view.getInt16(take(2), little);
    if (code === 'q') return view.getUint16(take(2), little);
    if (code === 'i') return view.getInt32(take(4), little);
    if (code === 'u') return view.getUint32(take(4), little);
    if (code === 'b') return view.getUint32(take(4), little) !== 0;
    if (code === 'x') return view.getBigInt64(take(8), little);
    if (code === 't') return view.getBigUint64(take(8), little);
    return view.getFloat64(take(8), little);
  }
  return { read };
}
