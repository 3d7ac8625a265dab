/**
 * The device policy of a v2 cgroup as an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE (cgroup-v2.rst, "Device
 * controller"; instruction set: Documentation/bpf/standardization/instruction-set.rst). Pure.
 *
 * The kernel calls it with struct bpf_cgroup_dev_ctx { u32 access_type; u32 major; u32 minor; }, access in the upper
 * and type in the lower half of the first field; 1 allows, 0 denies.
 */
import { type DeviceException, type DevicePolicy, type DeviceType, exceptionText } from './device-rules.ts';

type Instruction = {
  readonly code: number;
  readonly destination: number;
  readonly source?: number;
  readonly offset?: number;
  readonly immediate?: number;
};

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

/** Instructions in host byte order; onggi runs on little-endian machines only (encode.ts does the same). */
export function compileDeviceProgram(policy: DevicePolicy): Uint8Array<ArrayBuffer> {
  return assemble([
    { code: loadWord, destination: type, source: context, offset: 0 },
    { code: loadWord, destination: major, source: context, offset: 4 },
    { code: loadWord, destination: minor, source: context, offset: 8 },
    { code: moveRegister, destination: access, source: type },
    { code: shiftRightImmediate, destination: access, immediate: 16 },
    { code: andImmediate, destination: type, immediate: 0xffff },
    ...policy.exceptions.flatMap((exception) => compileException(exception, !policy.allow)),
    { code: moveImmediate, destination: result, immediate: policy.allow ? 1 : 0 },
    { code: exit, destination: 0 },
  ]);
}

/**
 * An allowing exception must cover all that is asked; a denying one stops what it touches at all
 * (security/device_cgroup.c, match_exception and match_exception_partial).
 */
function compileException(exception: DeviceException, allow: boolean): Instruction[] {
  const tests: Instruction[] = [
    { code: jumpNotEqual, destination: type, immediate: typeNumbers[exception.type] },
    { code: moveRegister, destination: scratch, source: access },
    { code: andImmediate, destination: scratch, immediate: allow ? ~exception.access : exception.access },
    { code: allow ? jumpNotEqual : jumpEqual, destination: scratch, immediate: 0 },
  ];
  if (exception.major !== null) tests.push({ code: jumpNotEqual, destination: major, immediate: exception.major });
  if (exception.minor !== null) tests.push({ code: jumpNotEqual, destination: minor, immediate: exception.minor });
  const block: Instruction[] = [
    ...tests,
    { code: moveImmediate, destination: result, immediate: allow ? 1 : 0 },
    { code: exit, destination: 0 },
  ];
  // Every jump leads to the instruction after this block.
  return block.map((instruction, index) =>
    instruction.code === jumpNotEqual || instruction.code === jumpEqual
      ? { ...instruction, offset: block.length - index - 1 }
      : instruction,
  );
}

function assemble(instructions: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(instructions.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, instruction] of instructions.entries()) {
    const at = index * 8;
    view.setUint8(at, instruction.code);
    view.setUint8(at + 1, ((instruction.source ?? 0) << 4) | instruction.destination);
    view.setInt16(at + 2, instruction.offset ?? 0, true);
    view.setInt32(at + 4, instruction.immediate ?? 0, true);
  }
  return bytes;
}

/** The policy in words, for `explain`. */
export function explainDevicePolicy(policy: DevicePolicy): string {
  const exceptions = policy.exceptions.map(exceptionText).join(', ');
  if (exceptions === '') return policy.allow ? 'all' : 'none';
  return `${policy.allow ? 'all but' : 'none but'} ${exceptions}`;
}
