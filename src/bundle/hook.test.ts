import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Hook } from '../oci/runtime-spec.ts';
import { runHooks } from './hook.ts';

const shell = (script: string, more: Partial<Hook> = {}): Hook => ({
  path: '/bin/sh',
  args: ['hook', '-c', script],
  ...more,
});

async function warningsOf(hooks: readonly Hook[], state = '{}', directory = '/'): Promise<string[]> {
  const warnings: string[] = [];
  await runHooks('poststop', hooks, directory, state, (message) => void warnings.push(message));
  return warnings;
}

test('hooks run in order, with the state on stdin, their own environment and name', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-hook-'));
  const file = join(directory, 'out');
  const script = `printf '%s|%s|%s|' "$0" "$A" "$HOME" >> ${file}; cat >> ${file}`;
  const hooks = [shell(script, { env: ['A=b=c'] }), shell(`echo second >> ${file}`)];
  assert.deepEqual(await warningsOf(hooks, '{"id":"x"}'), []);
  assert.equal(readFileSync(file, 'utf8'), 'hook|b=c||{"id":"x"}second\n');
  rmSync(directory, { recursive: true });
});

test('hooks run in the directory that they are given, or in / when it is gone', async () => {
  const hooks = [shell('pwd >&2; exit 1')];
  const words = [...(await warningsOf(hooks, '{}', '/proc')), ...(await warningsOf(hooks, '{}', '/nonexistent'))];
  assert.deepEqual(
    words.map((word) => word.replace(/.*: /, '')),
    ['/proc', '/'],
  );
});

test('a failing hook is told with its words, and the next one runs', async () => {
  const warnings = await warningsOf([shell('echo why >&2; exit 3'), { path: '/nonexistent' }, shell('kill -9 $$')]);
  assert.equal(warnings.length, 3);
  assert.equal(warnings[0], 'poststop hook "/bin/sh": exit status 3: why');
  assert.match(warnings[1] ?? '', /"\/nonexistent": .*ENOENT/);
  assert.match(warnings[2] ?? '', /killed by SIGKILL/);
});

test('a hook that hangs ends with its timeout, with what it has started', async () => {
  const begin = performance.now();
  const [warning = ''] = await warningsOf([shell('sleep 60 & sleep 60', { timeout: 1 })]);
  assert.match(warning, /took longer than 1 seconds/);
  assert.ok(performance.now() - begin < 5000);
});

test('a hook that reads nothing, or leaves something in the background, is waited for no longer', async () => {
  assert.deepEqual(await warningsOf([shell('exit 0'), shell('sleep 2 &')], 'x'.repeat(1 << 20)), []);
});
