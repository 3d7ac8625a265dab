import assert from 'node:assert/strict';
import test from 'node:test';
import { choosePlatform, formatPlatform, hostPlatform, parsePlatform, platformMatch } from './platform.ts';

test('platforms are read and printed', () => {
  for (const text of ['linux/amd64', 'linux/arm/v7', 'windows/amd64']) {
    assert.equal(formatPlatform(parsePlatform(text)), text);
  }
  assert.equal(formatPlatform(parsePlatform('aarch64')), 'linux/arm64');
  assert.equal(formatPlatform(parsePlatform('linux/x86_64')), 'linux/amd64');
  assert.deepEqual(parsePlatform('linux'), hostPlatform());
  for (const text of ['', 'linux/', 'nosuch', 'a/b/c/d', 'linux/am d64']) {
    assert.throws(() => parsePlatform(text), { code: 'invalid' });
  }
});

test('the host is one of them', () => {
  assert.equal(formatPlatform(hostPlatform('x64')), 'linux/amd64');
  assert.equal(formatPlatform(hostPlatform('arm')), 'linux/arm/v7');
  assert.equal(formatPlatform(hostPlatform('mips')), 'linux/mips');
});

/** wanted, offered in order, chosen */
const choices: readonly (readonly [string, readonly string[], string | undefined])[] = [
  ['linux/amd64', ['linux/arm64/v8', 'linux/amd64'], 'linux/amd64'],
  ['linux/amd64', ['windows/amd64', 'linux/386'], undefined],
  ['linux/amd64', ['linux/amd64/v3', 'linux/amd64'], 'linux/amd64'],
  ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4'], 'linux/amd64/v2'],
  ['linux/arm64/v8', ['linux/arm64'], 'linux/arm64'],
  ['linux/arm64', ['linux/arm64/v8'], 'linux/arm64/v8'],
  ['linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6'], 'linux/arm/v6'],
  ['linux/arm/v6', ['linux/arm/v7'], undefined],
  ['linux/arm/v6', ['linux/arm'], undefined],
  ['linux/riscv64/rva23', ['linux/riscv64/rva23'], 'linux/riscv64/rva23'],
];

for (const [wanted, offered, chosen] of choices) {
  test(`${wanted} out of ${offered.join(', ')}`, () => {
    const offers = offered.map((text) => ({ platform: parsePlatform(text) }));
    const found = choosePlatform(parsePlatform(wanted), [{ platform: null }, ...offers]);
    assert.equal(found?.platform ? formatPlatform(found.platform) : undefined, chosen);
  });
}

test('nothing matches another system', () => {
  assert.equal(platformMatch(parsePlatform('linux/amd64'), parsePlatform('linux/arm64')), 0);
});
