/**
 * The device policy of a v2 cgroup as an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE (cgroup-v2.rst, "Device
 * controller"; instruction set: Documentation/bpf/standardization/instruction-set.rst). Pure.
 *
 * The kernel calls it with struct bpf_cgroup_dev_ctx { u32 access_type; u32 major; u32 minor; }, access in the upper
 * and type in the lower half of the first field; 1 allows, 0 denies.
 */
import { type DeviceException, type DevicePolicy, type DeviceType, exceptionText } from './device-rules.ts';

const loadWord = 0x61;
const moveImmediate = 0xb7;
const moveRegister = 0xbf;
const andImmediate = 0x57;
const shiftRightImmediate = 0x77;
const jumpEqual = 0x15;
const jumpNotEqual = 0x55;
const exit = 0x95;

/** BPF_DEVCG_DEV_*. */
const typeNumbers: Readonly<Record<DeviceType, number>> = { b: 1, c: 2 };

const result = 0;
const context = 1;
const type = 2;
const access = 3;
const major = 4;
const minor = 5;
/** Free once the context has been read. */
const scratch = context;

/** The longest way to tell one exception. */
const exceptionInstructions = 8;
const frameInstructions = 8;
const instructionBytes = 8;

/**
 * Instructions in host byte order; onggi runs on little-endian machines only (encode.ts does the same). Written as they
 * come: most programs are compiled once in a process, and objects for each instruction took half of the time.
 */
export function compileDeviceProgram({ allow, exceptions }: DevicePolicy): Uint8Array<ArrayBuffer> {
  const view = new DataView(
    new ArrayBuffer((frameInstructions + exceptions.length * exceptionInstructions) * instructionBytes),
  );
  let at = 0;
  const put = (code: number, destination: number, source: number, offset: number, immediate: number): void => {
    view.setUint8(at, code);
    view.setUint8(at + 1, (source << 4) | destination);
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, immediate, true);
    at += instructionBytes;
  };
  put(loadWord, type, context, 0, 0);
  put(loadWord, major, context, 4, 0);
  put(loadWord, minor, context, 8, 0);
  put(moveRegister, access, type, 0, 0);
  put(shiftRightImmediate, access, 0, 0, 16);
  put(andImmediate, type, 0, 0, 0xffff);
  for (const exception of exceptions) putException(put, exception, !allow);
  put(moveImmediate, result, 0, 0, allow ? 1 : 0);
  put(exit, 0, 0, 0, 0);
  return new Uint8Array(view.buffer.slice(0, at));
}

type Put = (code: number, destination: number, source: number, offset: number, immediate: number) => void;

/**
 * An allowing exception must cover all that is asked; a denying one stops what it touches at all
 * (security/device_cgroup.c, match_exception and match_exception_partial).
 */
function putException(put: Put, exception: DeviceException, allow: boolean): void {
  // Every jump leads to the instruction after this block: as many are skipped as still follow.
  let left = 6 + (exception.major === null ? 0 : 1) + (exception.minor === null ? 0 : 1);
  const next = (code: number, destination: number, source: number, immediate: number): void => {
    left -= 1;
    put(code, destination, source, code === jumpNotEqual || code === jumpEqual ? left : 0, immediate);
  };
  next(jumpNotEqual, type, 0, typeNumbers[exception.type]);
  next(moveRegister, scratch, access, 0);
  next(andImmediate, scratch, 0, allow ? ~exception.access : exception.access);
  next(allow ? jumpNotEqual : jumpEqual, scratch, 0, 0);
  if (exception.major !== null) next(jumpNotEqual, major, 0, exception.major);
  if (exception.minor !== null) next(jumpNotEqual, minor, 0, exception.minor);
  next(moveImmediate, result, 0, allow ? 1 : 0);
  next(exit, 0, 0, 0);
}

/** The policy in words, for `explain`. */
export function explainDevicePolicy(policy: DevicePolicy): string {
  const exceptions = policy.exceptions.map(exceptionText).join(', ');
  if (exceptions === '') return policy.allow ? 'all' : 'none';
  return `${policy.allow ? 'all but' : 'none but'} ${exceptions}`;
}
