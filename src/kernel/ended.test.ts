import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { addon } from './addon.ts';
import { type Guard, lock } from './lock.ts';

let scratch = '';
let child: ChildProcess;
const guards: Guard[] = [];

before(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'onggi-ended-'));
  child = spawn('sleep', ['3600']);
  await once(child, 'spawn');
});

after(() => {
  for (const guard of guards) guard[Symbol.dispose]();
  child.kill('SIGKILL');
  rmSync(scratch, { recursive: true });
});

/** A container's directory as its shim keeps it while it runs. */
async function running(digit: string): Promise<string> {
  const id = digit.repeat(64);
  mkdirSync(join(scratch, id));
  guards.push(await lock(join(scratch, id, 'shim.lock'), 'exclusive'));
  return id;
}

test('of many containers those are told that have ended', async () => {
  const [lives, recorded, gone] = [await running('a'), await running('b'), await running('d')];
  writeFileSync(join(scratch, recorded, 'exit.json'), '{}');
  const abandoned = 'c'.repeat(64);
  mkdirSync(join(scratch, abandoned));
  writeFileSync(join(scratch, abandoned, 'shim.lock'), '');
  const ended = spawn('true');
  await once(ended, 'exit');
  const lines = [lives, recorded, abandoned].map((id) => `${id} ${child.pid} 5`);
  const found = addon().ended(
    scratch,
    join(scratch, 'alive'),
    [...lines, `${gone} ${ended.pid} 5`, `${'e'.repeat(64)} 0 0`].join('\n'),
  );
  assert.deepEqual(found, [recorded, abandoned, gone, 'e'.repeat(64)]);
});

test('more containers than are looked at together', async () => {
  const id = await running('f');
  const lines = Array.from({ length: 300 }, (_, index) => (index % 100 === 99 ? `${id} 0 0` : `${id} ${child.pid} 5`));
  assert.deepEqual(addon().ended(scratch, join(scratch, 'alive'), lines.join('\n')), [id, id, id]);
});

test('none, and what is no line of a container', () => {
  assert.deepEqual(addon().ended(scratch, join(scratch, 'alive'), ''), []);
  for (const line of ['../../etc 1', 'a'.repeat(63), `${'a'.repeat(64)}/1`, 'x'.repeat(200)]) {
    assert.throws(() => addon().ended(scratch, join(scratch, 'alive'), line), { code: 'EINVAL' });
  }
});
