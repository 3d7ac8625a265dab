import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { single, toggle } from './definition.ts';
import { flagLines, wrap } from './help.ts';
import { commands, findCommand, mainName, managers } from './table.ts';
import { runFake } from './testing.ts';

const folder = new URL('testdata/help/', import.meta.url);

/** `UPDATE_GOLDEN=1` writes what is printed now; the diff is then for the reviewer to judge. */
function checkGolden(name: string, text: string): void {
  const file = new URL(`${name}.txt`, folder);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
  assert.ok(existsSync(file), `${file.pathname} is missing`);
  assert.equal(text, readFileSync(file, 'utf8'));
}

const shown = commands.filter(({ group }) => group !== 'internal');

test('the help of each command', async (t) => {
  for (const entry of shown) {
    const name = mainName(entry);
    await t.test(name, async () => {
      const { status, stdout, stderr } = await runFake([...name.split(' '), '--help']);
      assert.equal(status, 0);
      assert.equal(stderr, '');
      checkGolden(name.replace(' ', '-'), stdout);
      for (const line of stdout.split('\n')) {
        if (!line.startsWith('  onggi ')) assert.ok(line.length < 80 || !line.startsWith(' '.repeat(20)), line);
      }
    });
  }
  await t.test('onggi', async () => checkGolden('onggi', (await runFake(['--help'])).stdout));
  for (const manager of Object.keys(managers)) {
    await t.test(manager, async () => checkGolden(manager, (await runFake([manager])).stdout));
  }
  await t.test('no golden file is left over', () => {
    const expected = [...shown.map((entry) => mainName(entry).replace(' ', '-')), ...Object.keys(managers), 'onggi'];
    assert.deepEqual(readdirSync(folder).sort(), expected.map((name) => `${name}.txt`).sort());
  });
});

test('every way to ask for help gives the same text', async () => {
  const { stdout } = await runFake(['ps', '--help']);
  for (const argv of [
    ['help', 'ps'],
    ['ps', '-h'],
    ['ps', '-a', '--help'],
  ]) {
    assert.equal((await runFake(argv)).stdout, stdout, argv.join(' '));
  }
  const root = (await runFake([])).stdout;
  for (const argv of [['--help'], ['-h'], ['help']]) assert.equal((await runFake(argv)).stdout, root);
});

test('the name that was used is the one that help uses', async () => {
  assert.match((await runFake(['container', 'ls', '--help'])).stdout, /^Usage: {2}onggi container ls \[OPTIONS\]\n/);
  assert.match(
    (await runFake(['container', 'ls', '--foo'])).stderr,
    /Run 'onggi container ls --help' for more information/,
  );
});

test('help follows the width of the terminal', async () => {
  const { stdout } = await runFake(['run', '--help'], { terminal: { rows: 24, columns: 200 } });
  assert.match(stdout, /--publish list {2,}Publish a port: \[\[IP:\]HOST:\]CONTAINER\[\/udp\]\n/);
  const narrow = (await runFake(['run', '--help'], { terminal: { rows: 24, columns: 40 } })).stdout;
  assert.match(narrow, /\n {2}-p, --publish list\n {16}Publish a port:\n/);
});

test('lines are broken at blanks', () => {
  assert.deepEqual(wrap('one two three', 7), ['one two', 'three']);
  assert.deepEqual(wrap('unbreakable', 3), ['unbreakable']);
  assert.deepEqual(wrap('a\nb c', 10), ['a', 'b c']);
  assert.deepEqual(wrap('', 10), ['']);
});

test('flags are listed by name with what they take and what they are without', () => {
  const flags = {
    wide: single('int', Number, 'A number', { short: 'w', shown: '10' }),
    bare: toggle('A switch', { initial: true }),
  };
  assert.equal(
    flagLines(flags, 80),
    '      --bare       A switch (default true)\n  -w, --wide int   A number (default 10)',
  );
});

test('names of commands are unique and found', () => {
  const names = commands.flatMap((entry) => entry.names);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) {
    const found = findCommand([...name.split(' '), '-x', 'y']);
    assert.ok(found.type === 'command');
    assert.deepEqual([found.name, found.rest], [name, ['-x', 'y']]);
  }
});

test('definitions are consistent', async () => {
  for (const entry of commands) {
    const { command } = await entry.load();
    const own = Object.entries(command.flags);
    const words = own.flatMap(([name, { aliases = [] }]) => [name, ...aliases]);
    const { values = [], switches = [], shorts = {}, harmless = {} } = command.refused ?? {};
    const refused = [...values, ...switches];
    const letters = [...own.flatMap(([, { short }]) => (short === undefined ? [] : [short])), ...Object.keys(shorts)];
    assert.equal(
      new Set([...words, ...refused]).size,
      words.length + refused.length,
      `${entry.names[0]}: a flag twice`,
    );
    assert.equal(new Set(letters).size, letters.length, `${entry.names[0]}: a letter twice`);
    assert.ok(!words.includes('help'));
    for (const name of [...Object.values(shorts), ...Object.keys(harmless)]) assert.ok(refused.includes(name), name);
    for (const [name, flag] of own) assert.match(flag.help, /^[A-Zc].*[^.]$/s, `${entry.names[0]} --${name}`);
  }
});
