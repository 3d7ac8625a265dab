import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import type { DeviceRule } from '../../oci/runtime-spec.ts';
import { compileDeviceProgram, explainDevicePolicy } from './device-program.ts';
import { accessBits, devicePolicy, legacyDeviceLines } from './device-rules.ts';

const denyAll: DeviceRule = { allow: false, access: 'rwm' };
const allowAll: DeviceRule = { allow: true, type: 'a' };
const rule = (
  allow: boolean,
  type: string,
  major: number | undefined,
  minor: number | undefined,
  access: string,
): DeviceRule => ({
  allow,
  type,
  ...(major !== undefined && { major }),
  ...(minor !== undefined && { minor }),
  access,
});

/** What the kernel does with the program: eBPF of the few instructions that it uses. */
function run(program: Uint8Array, type: 'c' | 'b', major: number, minor: number, access: number): boolean {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const context = [((access << 16) | (type === 'b' ? 1 : 2)) >>> 0, major, minor];
  const registers: bigint[] = Array<bigint>(11).fill(0n);
  for (let at = 0; at * 8 < program.length; at++) {
    const [code, pair] = [view.getUint8(at * 8), view.getUint8(at * 8 + 1)];
    const [destination, source] = [pair & 15, pair >> 4];
    const offset = view.getInt16(at * 8 + 2, true);
    const immediate = BigInt.asUintN(64, BigInt(view.getInt32(at * 8 + 4, true)));
    const value = registers[destination] ?? 0n;
    if (code === 0x61) registers[destination] = BigInt(context[offset / 4] ?? assert.fail('outside of the context'));
    else if (code === 0xb7) registers[destination] = immediate;
    else if (code === 0xbf) registers[destination] = registers[source] ?? 0n;
    else if (code === 0x57) registers[destination] = value & immediate;
    else if (code === 0x77) registers[destination] = value >> immediate;
    else if (code === 0x15) at += value === immediate ? offset : 0;
    else if (code === 0x55) at += value !== immediate ? offset : 0;
    else if (code === 0x95) return registers[0] === 1n;
    else assert.fail(`unknown opcode ${code}`);
  }
  assert.fail('ran past the end');
}

function bits(letters: string): number {
  return [...letters].reduce((sum, letter) => sum | accessBits[letter as keyof typeof accessBits], 0);
}

const allowed = (rules: readonly DeviceRule[], device: string): boolean => {
  const [type = '', numbers = '', letters = ''] = device.split(' ');
  const [major, minor] = numbers.split(':').map(Number);
  assert.ok(type === 'c' || type === 'b');
  return run(compileDeviceProgram(devicePolicy(rules)), type, major ?? 0, minor ?? 0, bits(letters));
};

const cases: [string, DeviceRule[], string[], string[]][] = [
  ['nothing is allowed without rules', [], [], ['c 1:3 r', 'b 8:0 m']],
  ['all', [allowAll], ['c 1:3 rw', 'b 8:0 m'], []],
  [
    'one device, these letters',
    [denyAll, rule(true, 'c', 1, 3, 'rw')],
    ['c 1:3 r', 'c 1:3 rw'],
    ['c 1:3 m', 'c 1:5 r', 'b 1:3 r', 'c 2:3 r'],
  ],
  ['any minor', [rule(true, 'c', 136, undefined, 'rwm')], ['c 136:0 rw', 'c 136:999999 r'], ['c 137:0 r']],
  ['-1 is any', [rule(true, 'b', -1, -1, 'm')], ['b 8:0 m', 'b 259:7 m'], ['b 8:0 r', 'c 1:1 m']],
  ['letters add up', [rule(true, 'c', 1, 3, 'r'), rule(true, 'c', 1, 3, 'w')], ['c 1:3 rw'], ['c 1:3 m']],
  [
    'a later denial takes letters away',
    [rule(true, 'c', 1, 3, 'rwm'), rule(false, 'c', 1, 3, 'w')],
    ['c 1:3 r'],
    ['c 1:3 w', 'c 1:3 rw'],
  ],
  ['all but one', [allowAll, rule(false, 'b', 8, 0, 'w')], ['b 8:0 r', 'b 8:1 w', 'c 8:0 w'], ['b 8:0 w', 'b 8:0 rw']],
  [
    'a wider denial takes what it covers',
    [
      rule(true, 'c', 1, 3, 'rw'),
      rule(true, 'c', 2, 3, 'rw'),
      rule(true, 'b', 1, 3, 'r'),
      rule(false, 'c', 1, -1, 'w'),
    ],
    ['c 1:3 r', 'c 2:3 rw', 'b 1:3 r'],
    ['c 1:3 w', 'c 1:3 rw'],
  ],
  [
    'a narrower denial of other letters is none',
    [rule(true, 'c', -1, -1, 'm'), rule(false, 'c', 1, 3, 'w')],
    ['c 1:3 m'],
    ['c 1:3 w'],
  ],
  ['denying all forgets', [allowAll, rule(true, 'c', 1, 3, 'r'), denyAll], [], ['c 1:3 r', 'b 8:0 r']],
  ['type a with numbers is both types', [rule(true, 'a', 7, 7, 'r')], ['c 7:7 r', 'b 7:7 r'], ['c 7:8 r']],
];
for (const [what, rules, yes, no] of cases) {
  test(what, () => {
    for (const device of yes) assert.ok(allowed(rules, device), device);
    for (const device of no) assert.ok(!allowed(rules, device), device);
  });
}

test('v1 gets the same rules as lines, without those that are forgotten', () => {
  const rules = [allowAll, denyAll, rule(true, 'c', 1, 3, 'mwr'), rule(true, 'a', 5, -1, 'm')];
  assert.deepEqual(legacyDeviceLines(devicePolicy(rules)), [
    { allow: false, line: 'a *:* rwm' },
    { allow: true, line: 'c 1:3 rwm' },
    { allow: true, line: 'c 5:* m' },
    { allow: true, line: 'b 5:* m' },
  ]);
});

test('no holes in wider rules: v1 would not keep them', () => {
  for (const rules of [
    [rule(true, 'c', 1, -1, 'rwm'), rule(false, 'c', 1, 3, 'w')],
    [rule(true, 'c', -1, 3, 'r'), rule(false, 'c', 1, -1, 'r')],
    [allowAll, rule(false, 'b', -1, -1, 'w'), rule(true, 'b', 8, 0, 'rw')],
  ]) {
    assert.throws(
      () => devicePolicy(rules),
      (error) => error instanceof OnggiError && error.code === 'unsupported',
    );
  }
});

test('in words', () => {
  assert.equal(explainDevicePolicy(devicePolicy([allowAll])), 'all');
  assert.equal(explainDevicePolicy(devicePolicy([denyAll])), 'none');
  assert.equal(explainDevicePolicy(devicePolicy([rule(true, 'c', 1, 3, 'rw')])), 'none but c 1:3 rw');
  assert.equal(explainDevicePolicy(devicePolicy([allowAll, rule(false, 'b', 8, -1, 'w')])), 'all but b 8:* w');
});

test('malformed rules are refused', () => {
  for (const bad of [
    rule(true, 'x', 1, 1, 'r'),
    rule(true, 'c', 1, 1, 'rz'),
    rule(true, 'c', 1.5, 1, 'r'),
    rule(true, 'c', -2, 1, 'r'),
  ]) {
    assert.throws(
      () => devicePolicy([bad]),
      (error) => error instanceof OnggiError && error.code === 'invalid',
    );
  }
});
