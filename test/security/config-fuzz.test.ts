/** Bad input: damaged configurations and what becomes of them. `make fuzz` goes on for as long as one likes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { configFuzzer, judge } from '../fuzz/config.ts';
import { repository } from '../harness/busybox-image.ts';

const rounds = 6000;
/** Each takes a process of its own. */
const mostChecked = 100;

test('a damaged config.json is refused in words or becomes a plan that the shim takes', () => {
  const fuzzer = configFuzzer(20_260_101);
  const plans: { readonly text: string; readonly plan: Uint8Array }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const text = fuzzer.next();
    try {
      const verdict = judge(text);
      if ('plan' in verdict) plans.push({ text, plan: verdict.plan });
    } catch (cause) {
      throw new Error(`neither refused nor compiled: ${text}`, { cause });
    }
  }
  assert.ok(plans.length > rounds / 50 && plans.length < rounds / 2, `${plans.length} of ${rounds} became plans`);
  for (const { text, plan } of plans.slice(0, mostChecked)) {
    const checked = spawnSync(join(repository, 'dist/onggi-shim'), ['--check'], { input: plan, encoding: 'utf8' });
    assert.equal(checked.status, 0, `${checked.stderr}: ${text}`);
  }
});
