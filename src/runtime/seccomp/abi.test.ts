import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { abiOf } from './abi.ts';

/** `__NR_name number` of a header. */
function header(file: string): Map<string, number> {
  const text = readFileSync(`/usr/include/x86_64-linux-gnu/asm/${file}`, 'utf8');
  const lines = text.matchAll(/^#define __NR_(\w+) \(?(?:__X32_SYSCALL_BIT \+ )?(\d+)\)?$/gm);
  return new Map([...lines].map(([, name = '', number]) => [name, Number(number)]));
}

for (const [abi, file] of [
  ['SCMP_ARCH_X86_64', 'unistd_64.h'],
  ['SCMP_ARCH_X86', 'unistd_32.h'],
  ['SCMP_ARCH_X32', 'unistd_x32.h'],
] as const) {
  test(`numbers of ${abi} are those of <asm/${file}>`, () => {
    const defined = header(file);
    assert.ok(defined.size > 300);
    const numbers = abiOf(abi).numbers();
    for (const [name, number] of defined) assert.equal(numbers.get(name), number, name);
  });
}

test('numbers of AArch64 are those of <asm-generic/unistd.h>', () => {
  const text = readFileSync('/usr/include/asm-generic/unistd.h', 'utf8');
  const numbers = abiOf('SCMP_ARCH_AARCH64').numbers();
  const byNumber = new Map([...numbers].map(([name, number]) => [number, name]));
  const defined = [...text.matchAll(/^#define __NR_(\w+) (\d+)$/gm)];
  assert.ok(defined.length > 250);
  for (const [, name = '', number] of defined) {
    // Calls for 32-bit machines (from 403 to 423), and those that the header leaves to each architecture.
    if (Number(number) >= 403 && Number(number) <= 423) continue;
    if (name === 'arch_specific_syscall' || name === 'syscalls' || name.startsWith('sync_file_range2')) continue;
    assert.ok(byNumber.has(Number(number)), `${name} ${number}`);
    if (numbers.has(name)) assert.equal(numbers.get(name), Number(number), name);
  }
});

test('no two names of an ABI share a number', () => {
  for (const abi of ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']) {
    const numbers = [...abiOf(abi).numbers().values()];
    assert.equal(new Set(numbers).size, numbers.length, abi);
  }
});
