/**
 * Classic BPF as seccomp(2) takes it: instructions over struct seccomp_data (<linux/filter.h>, <linux/seccomp.h>).
 * Pure.
 */
import { OnggiError } from '../../errors.ts';

export type Instruction = { readonly code: number; readonly jt: number; readonly jf: number; readonly k: number };

/** BPF_MAXINSNS. */
const maxInstructions = 4096;

/** Opcodes: class, size or source, mode or operation. */
export const opcodes = {
  /** BPF_LD | BPF_W | BPF_ABS */
  load: 0x20,
  /** BPF_JMP | BPF_JA */
  jump: 0x05,
  /** BPF_JMP | BPF_JEQ | BPF_K, ... */
  jumpEqual: 0x15,
  jumpGreater: 0x25,
  jumpGreaterOrEqual: 0x35,
  /** BPF_ALU | BPF_AND | BPF_K */
  and: 0x54,
  /** BPF_RET | BPF_K */
  result: 0x06,
} as const;

/** Offsets in struct seccomp_data on a little-endian machine. */
export const dataOffsets = {
  number: 0,
  architecture: 4,
  low: (argument: number): number => 16 + argument * 8,
  high: (argument: number): number => 20 + argument * 8,
};

export const load = (offset: number): Instruction => ({ code: opcodes.load, jt: 0, jf: 0, k: offset });
export const and = (mask: number): Instruction => ({ code: opcodes.and, jt: 0, jf: 0, k: mask });
export const result = (value: number): Instruction => ({ code: opcodes.result, jt: 0, jf: 0, k: value });

/**
 * A program that is written from its end to its beginning. Jumps only lead forward, so whatever a jump leads to has
 * been written before it, and its distance is known.
 */
export type Program = {
  readonly put: (instruction: Instruction) => void;
  /**
   * Puts a test that skips what was put since `length()` gave `since`, when `A <code> k` is `outcome`. A conditional
   * jump reaches 255 instructions; more are skipped by BPF_JA.
   */
  readonly putSkip: (code: number, k: number, outcome: boolean, since: number) => void;
  readonly length: () => number;
  /** struct sock_filter[] in host byte order (little-endian, as all of onggi). */
  readonly bytes: () => Uint8Array<ArrayBuffer>;
};

/** @throws OnggiError `invalid`, from the methods that put, when the kernel would not take a program of this length */
export function makeProgram(): Program {
  const view = new DataView(new ArrayBuffer(maxInstructions * 8));
  let at = view.byteLength;
  const put = ({ code, jt, jf, k }: Instruction): void => {
    at -= 8;
    if (at < 0) throw new OnggiError('invalid', `seccomp: the filter takes more than ${maxInstructions} instructions`);
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k, true);
  };
  const length = (): number => (view.byteLength - at) / 8;
  return {
    put,
    length,
    putSkip: (code, k, outcome, since) => {
      const distance = length() - since;
      if (distance <= 255) {
        put({ code, jt: outcome ? distance : 0, jf: outcome ? 0 : distance, k });
        return;
      }
      put({ code: opcodes.jump, jt: 0, jf: 0, k: distance });
      put({ code, jt: outcome ? 0 : 1, jf: outcome ? 1 : 0, k });
    },
    bytes: () => new Uint8Array(view.buffer.slice(at)),
  };
}
