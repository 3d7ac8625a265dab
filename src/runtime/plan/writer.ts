/** A growing run of bytes in the field types of native/plan/plan.h. Pure. */
import { OnggiError } from '../../errors.ts';

/** PLAN_MAX_BYTES of native/plan/plan.h. */
const planMaxBytes = 16 << 20;

/** The length that stands for "none" in a `str?`. */
const noString = 0xffff_ffff;

export type Writer = {
  readonly u16: (value: number) => void;
  readonly u32: (value: number) => void;
  readonly i32: (value: number) => void;
  readonly u64: (value: bigint) => void;
  readonly i64: (value: bigint) => void;
  readonly bool: (value: boolean) => void;
  readonly string: (value: string) => void;
  readonly optionalString: (value: string | null) => void;
  readonly strings: (values: readonly string[]) => void;
  readonly blob: (bytes: Uint8Array) => void;
  /** u32 count, then each item by `write`. */
  readonly list: <T>(items: readonly T[], write: (item: T) => void) => void;
  /** Overwrites an earlier u32. */
  readonly patch: (at: number, value: number) => void;
  readonly length: () => number;
  /** A copy of what was written. */
  readonly bytes: () => Uint8Array<ArrayBuffer>;
};

/**
 * The writer refuses what the C side would refuse (or would silently read as something else): a NUL inside a string,
 * an integer out of range, a plan over the limit.
 *
 * @throws OnggiError `invalid`, from any method that takes a value
 */
export function makeWriter(): Writer {
  let buffer = new Uint8Array(16 << 10);
  let view = new DataView(buffer.buffer);
  let used = 0;
  const encoder = new TextEncoder();

  /** Makes room and returns where the new field begins. `view` may be another one then, so it is named afterwards. */
  const take = (bytes: number): number => {
    const end = used + bytes;
    if (end > planMaxBytes) {
      throw new OnggiError('invalid', `plan: larger than ${planMaxBytes} bytes`, {
        hint: 'Use fewer mounts, arguments or environment variables.',
      });
    }
    if (end > buffer.length) {
      const grown = new Uint8Array(Math.max(end, Math.min(buffer.length * 2, planMaxBytes)));
      grown.set(buffer.subarray(0, used));
      buffer = grown;
      view = new DataView(buffer.buffer);
    }
    const at = used;
    used = end;
    return at;
  };

  // Most of a plan is numbers, and most plans are written once, by an interpreter: so without a call where one can be had.
  const u32 = (value: number): void => {
    if (value >>> 0 !== value) throw outOfRange(value);
    const at = used + 4 > buffer.length ? take(4) : used;
    used = at + 4;
    view.setUint32(at, value, true);
  };

  const string = (value: string): void => {
    if (value === '') {
      u32(0);
      buffer[take(1)] = 0;
      return;
    }
    if (value.includes('\0')) {
      throw new OnggiError('invalid', `plan: "${value.slice(0, 80)}" holds a NUL character`);
    }
    // Three bytes hold the UTF-8 of any UTF-16 unit, so encodeInto never stops short.
    const at = take(4 + value.length * 3 + 1);
    const { written } = encoder.encodeInto(value, buffer.subarray(at + 4));
    view.setUint32(at, written, true);
    buffer[at + 4 + written] = 0;
    used = at + 4 + written + 1;
  };

  const list = <T>(items: readonly T[], write: (item: T) => void): void => {
    u32(items.length);
    for (const item of items) write(item);
  };

  return {
    u16: (value) => {
      checkInteger(value, 0, 0xffff);
      const at = take(2);
      view.setUint16(at, value, true);
    },
    u32,
    i32: (value) => {
      checkInteger(value, -0x8000_0000, 0x7fff_ffff);
      const at = take(4);
      view.setInt32(at, value, true);
    },
    u64: (value) => {
      if (BigInt.asUintN(64, value) !== value) throw outOfRange(value);
      const at = take(8);
      view.setBigUint64(at, value, true);
    },
    i64: (value) => {
      if (BigInt.asIntN(64, value) !== value) throw outOfRange(value);
      const at = take(8);
      view.setBigInt64(at, value, true);
    },
    bool: (value) => u32(value ? 1 : 0),
    string,
    optionalString: (value) => (value === null ? u32(noString) : string(value)),
    strings: (values) => list(values, string),
    blob: (bytes) => {
      u32(bytes.length);
      const at = take(bytes.length);
      buffer.set(bytes, at);
    },
    list,
    patch: (at, value) => view.setUint32(at, value, true),
    length: () => used,
    bytes: () => buffer.slice(0, used),
  };
}

function checkInteger(value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) throw outOfRange(value);
}

function outOfRange(value: number | bigint): OnggiError {
  return new OnggiError('invalid', `plan: the number ${value} is out of range for its field`);
}
