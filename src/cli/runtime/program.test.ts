import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runRuntime } from './program.ts';
import { runtimeCommands } from './table.ts';

const unwritable = '/none/log';

async function run(...argv: string[]) {
  const said = { stdout: '', stderr: '', log: '' };
  const to = (where: keyof typeof said) => (text: string) => {
    said[where] += text;
  };
  const status = await runRuntime(argv, {
    stdout: to('stdout'),
    stderr: to('stderr'),
    append: (path, text) => {
      if (path === unwritable) throw new Error('no such directory');
      to('log')(text);
    },
    env: {},
    privileged: () => true,
    now: () => new Date('2026-11-21T12:00:00.123Z'),
  });
  return { status, ...said };
}

const root = mkdtempSync(join(tmpdir(), 'onggi-runtime-'));
test.after(() => rmSync(root, { recursive: true }));

test('the version has the three lines that engines read', async () => {
  for (const flag of ['-v', '--version']) {
    const { status, stdout } = await run(flag);
    assert.equal(status, 0);
    assert.match(stdout, /^onggi-runtime version \d+\.\d+\.\d+\ncommit: \S+\nspec: 1\.\d+\.\d+\n$/);
  }
});

test('without a command, or asked for help, it tells what there is', async () => {
  for (const argv of [[], ['--help'], ['-h'], ['help'], ['h']]) {
    const { status, stdout } = await run(...argv);
    assert.equal(status, 0);
    for (const { name, summary } of runtimeCommands)
      assert.match(stdout, new RegExp(`   ${name} +${summary.slice(0, 12)}`));
    assert.match(stdout, /--systemd-cgroup/);
  }
});

for (const { name, load } of runtimeCommands) {
  test(`the help of ${name} names every flag`, async () => {
    const { command } = await load();
    for (const argv of [
      [name, '--help'],
      ['help', name],
    ]) {
      const { status, stdout } = await run(...argv);
      assert.equal(status, 0);
      assert.match(stdout, new RegExp(`^NAME:\\n   onggi-runtime ${name} - `));
      for (const flag of Object.keys(command.flags)) assert.match(stdout, new RegExp(`   --${flag}[ ,]`), flag);
    }
  });

  test(`${name} refuses an unknown flag by name`, async () => {
    const { status, stderr } = await run('--root', root, name, '--bogus');
    assert.equal(status, 1);
    assert.match(stderr, /flag provided but not defined: -bogus\nSee 'onggi-runtime [a-z]+ --help'\.\n$/);
  });
}

test('wrong command lines end with 1', async () => {
  for (const argv of [['--bogus'], ['state'], ['state', 'a', 'b'], ['--rootless=x', 'list']]) {
    const { status, stderr } = await run('--root', root, ...argv);
    assert.equal(status, 1, argv.join(' '));
    assert.match(stderr, /Incorrect Usage/);
  }
});

test('a container that does not exist is told in the words that engines look for', async () => {
  for (const name of ['state', 'start', 'kill', 'delete', 'pause', 'resume', 'ps', 'events', 'update']) {
    const { status, stderr } = await run('--root', root, name, 'nope');
    assert.equal(status, 1, name);
    assert.match(stderr, /container "nope" does not exist/, name);
  }
  assert.equal((await run('--root', root, 'delete', '--force', 'nope')).status, 0);
  const { status, stderr } = await run('--root', root, 'exec', 'nope', 'true');
  assert.equal(status, 255);
  assert.match(stderr, /exec failed: container "nope" does not exist/);
});

test('the log gets the error in its format, and standard error too', async () => {
  const json = await run('--root', root, '--log', 'x', '--log-format', 'json', 'state', 'nope');
  assert.deepEqual(JSON.parse(json.log), {
    level: 'error',
    msg: 'container "nope" does not exist',
    time: '2026-11-21T12:00:00Z',
  });
  assert.equal(json.stderr, 'onggi-runtime: container "nope" does not exist\n');
  const text = await run('--root', root, '--log', 'x', 'state', 'nope');
  assert.equal(text.log, 'time="2026-11-21T12:00:00Z" level=error msg="container \\"nope\\" does not exist"\n');
  const alone = await run('--root', root, '--log-format', 'json', 'state', 'nope');
  assert.equal(JSON.parse(alone.stderr).msg, 'container "nope" does not exist');
});

test('an empty root has no containers', async () => {
  assert.equal(
    (await run('--root', root, 'list')).stdout,
    'ID          PID         STATUS      BUNDLE      CREATED     OWNER\n',
  );
  assert.equal((await run('--root', root, 'list', '-f', 'json')).stdout, 'null\n');
  assert.equal((await run('--root', root, 'list', '-q')).stdout, '');
});

test('features is a JSON document', async () => {
  const { status, stdout } = await run('features');
  assert.equal(status, 0);
  assert.equal(JSON.parse(stdout).ociVersionMin, '1.0.0');
});

test('a log that can not be written is told before anything is done', async () => {
  const { status, stdout, stderr } = await run('--root', root, '--log', unwritable, 'list');
  assert.deepEqual([status, stdout, stderr], [1, '', 'onggi-runtime: --log: no such directory\n']);
});

test('a command that there is not ends with 3', async () => {
  for (const argv of [['nope'], ['help', 'nope']]) {
    const { status, stderr } = await run(...argv);
    assert.equal(status, 3);
    assert.match(stderr, /No help topic for 'nope'/);
  }
});
