/** The power goes while images come and go: the store opens, is whole, and does the work again. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { binary } from '../harness/system-test.ts';

/** Another one gives other moments; a failure names it. */
const seed = process.env['ONGGI_SEED'] ?? String(process.pid);

test(`a power cut at any moment leaves nothing to repair (ONGGI_SEED=${seed})`, {
  timeout: 120_000,
  ...requires('root', 'btrfs', 'loop-device'),
}, async () => {
  await using scratch = makeScratch();
  const machine = join(import.meta.dirname, 'power-cut-machine.ts');
  const namespace = ['--mount', '--propagation', 'private', process.execPath, machine];
  const child = spawn('unshare', [...namespace, scratch.path, binary, seed], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(status, 0);
  const { cuts, looked, problems } = JSON.parse(text);
  assert.deepEqual(problems, []);
  assert.ok(cuts > 10, `${cuts} cuts, ${looked} looked at`);
});
