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

/** The first word of an instruction, code and registers; the offset goes into its upper half. The second is a number. */
const instruction = (code: number, destination: number, source = 0): number =>
  code | (destination << 8) | (source << 12);

const leave = instruction(exit, 0);
const setResult = instruction(moveImmediate, result);
const unlessType = instruction(jumpNotEqual, type);
const unlessMajor = instruction(jumpNotEqual, major);
const unlessMinor = instruction(jumpNotEqual, minor);
const copyAccess = instruction(moveRegister, scratch, access);
const maskCopy = instruction(andImmediate, scratch);
const ifNothingLeft = instruction(jumpEqual, scratch);
const ifSomethingLeft = instruction(jumpNotEqual, scratch);

const prologue = [
  ...[instruction(loadWord, type, context), 0],
  ...[instruction(loadWord, major, context) | (4 << 16), 0],
  ...[instruction(loadWord, minor, context) | (8 << 16), 0],
  ...[instruction(moveRegister, access, type), 0],
  ...[instruction(shiftRightImmediate, access), 16],
  ...[instruction(andImmediate, type), 0xffff],
];

/**
 * Instructions in host byte order; onggi runs on little-endian machines only (encode.ts does the same). As plain numbers
 * one after another: most programs are compiled once in a process, and objects for each instruction took half of the time.
 */
export function compileDeviceProgram({ allow, exceptions }: DevicePolicy): Uint8Array<ArrayBuffer> {
  const words = prologue.slice();
  for (const exception of exceptions) addException(words, exception, !allow);
  words.push(setResult, allow ? 1 : 0, leave, 0);
  return new Uint8Array(new Int32Array(words).buffer);
}

/**
 * An allowing exception must cover all that is asked; a denying one stops what it touches at all
 * (security/device_cgroup.c, match_exception and match_exception_partial).
 */
function addException(words: number[], exception: DeviceException, allow: boolean): void {
  // Every jump leads to the instruction after this block: as many are skipped as still follow.
  const after = exception.minor === null ? 2 : 3;
  const left = exception.major === null ? after : after + 1;
  words.push(unlessType | ((left + 3) << 16), typeNumbers[exception.type], copyAccess, 0);
  words.push(maskCopy, allow ? ~exception.access : exception.access);
  words.push((allow ? ifSomethingLeft : ifNothingLeft) | (left << 16), 0);
  if (exception.major !== null) words.push(unlessMajor | (after << 16), exception.major);
  if (exception.minor !== null) words.push(unlessMinor | (2 << 16), exception.minor);
  words.push(setResult, allow ? 1 : 0, leave, 0);
}

/** The policy in words, for `explain`. */
export function explainDevicePolicy(policy: DevicePolicy): string {
  const exceptions = policy.exceptions.map(exceptionText).join(', ');
  if (exceptions === '') return policy.allow ? 'all' : 'none';
  return `${policy.allow ? 'all but' : 'none but'} ${exceptions}`;
}
