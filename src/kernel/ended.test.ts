import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
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

/** What a process of its own finds out by a thread, on the processors of the list. */
async function foundAhead(processors: string, lines: readonly string[]): Promise<unknown> {
  const script = `
    import { addon } from ${JSON.stringify(join(import.meta.dirname, 'addon.ts'))};
    const begun = Array.from({ length: 3 }, () => addon().endedAhead(...${JSON.stringify([scratch, join(scratch, 'alive'), lines.join('\n')])}));
    console.log(JSON.stringify(begun.toReversed().map((number) => addon().endedFound(number).sort())));`;
  const { stdout } = await promisify(execFile)('taskset', ['-c', processors, process.execPath, '-e', script]);
  return JSON.parse(stdout);
}

test('by a thread it is the same, with one processor too, and however many looks there are at a time', async () => {
  const id = await running('7');
  const lines = Array.from({ length: 300 }, (_, index) => {
    const own = index.toString(16).padStart(64, '0');
    return index % 7 === 0 ? `${own} 0 0` : `${id} ${child.pid} 5`;
  });
  const expected = lines.filter((line) => line.endsWith(' 0 0')).map((line) => line.slice(0, 64));
  for (const processors of ['0', `0-${availableParallelism() - 1}`]) {
    assert.deepEqual(await foundAhead(processors, lines), [expected, expected, expected], processors);
  }
});

test('none, and what is no line of a container', () => {
  assert.deepEqual(addon().ended(scratch, join(scratch, 'alive'), ''), []);
  for (const line of ['../../etc 1', 'a'.repeat(63), `${'a'.repeat(64)}/1`, 'x'.repeat(200)]) {
    assert.throws(() => addon().ended(scratch, join(scratch, 'alive'), line), { code: 'EINVAL' });
  }
});
