import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { defaultCapabilities } from '../capability.ts';
import type { SeccompArchitecture } from './architecture.ts';
import { compileFilter } from './compile.ts';
import { precompiledFilter, profileDigest } from './precompiled.ts';
import { defaultSeccomp } from './profile.ts';

const machines = ['x86_64', 'aarch64'] as const;

function fileText(): string {
  const entry = (machine: SeccompArchitecture): string => {
    const profile = defaultSeccomp(defaultCapabilities, machine, [6, 1]);
    const text = Buffer.from(compileFilter(profile, machine)).toString('base64');
    const lines = text.match(/.{1,116}/g) ?? [];
    return `  ${machine}: {\n    profile: '${profileDigest(profile)}',\n    instructions: \`\n${lines.join('\n')}\n\`,\n  },`;
  };
  return `/** Made by precompiled.test.ts; see precompiled.ts. Not to be changed by hand. */
import type { SeccompArchitecture } from './architecture.ts';

export const defaultFilters: Readonly<
  Record<SeccompArchitecture, { readonly profile: string; readonly instructions: string }>
> = {
${machines.map(entry).join('\n')}
};
`;
}

const update = process.env['ONGGI_UPDATE_GOLDEN'] === '1';
if (update) writeFileSync(new URL('default-filter.ts', import.meta.url), fileText());

for (const machine of machines) {
  test(`${machine}: the filter that is kept is the one that the compiler makes`, {
    skip: update && 'just written',
  }, () => {
    const profile = defaultSeccomp(defaultCapabilities, machine, [6, 1]);
    const kept = precompiledFilter(profile, machine);
    assert.ok(kept !== undefined, 'it belongs to another profile: run this test with ONGGI_UPDATE_GOLDEN=1');
    assert.deepEqual(kept, compileFilter(profile, machine));
  });
}

test('another profile has none, be it different by one number', () => {
  const profile = defaultSeccomp(defaultCapabilities, 'x86_64', [6, 1]);
  assert.equal(precompiledFilter({ ...profile, defaultErrnoRet: 2 }, 'x86_64'), undefined);
  assert.equal(precompiledFilter(defaultSeccomp([], 'x86_64', [6, 1]), 'x86_64'), undefined);
  assert.equal(precompiledFilter(profile, 'aarch64'), undefined);
  const rule = {
    names: ['read'],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 0, op: 'SCMP_CMP_EQ', value: 1n }],
  } as const;
  assert.equal(precompiledFilter({ ...profile, syscalls: [rule] }, 'x86_64'), undefined);
  // As `exec` reads it back.
  assert.ok(precompiledFilter(JSON.parse(JSON.stringify(profile)), 'x86_64') !== undefined);
});
