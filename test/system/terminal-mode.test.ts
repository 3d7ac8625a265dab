/** The mode of the user's own terminal while onggi passes its keys on, and after it. */
import assert from 'node:assert/strict';
import { eventually, run } from '../harness/program.ts';
import { binary, systemTest, type World } from '../harness/system-test.ts';
import { openTerminal, type Terminal } from '../harness/terminal.ts';

/** A shell on a terminal that runs onggi and shows the mode before and after it. */
async function shell(world: World, args: readonly string[]) {
  const words = [binary, '--root', world.root, ...args].map((word) => `'${word}'`).join(' ');
  const onggi = `sh -c 'echo pid $$; exec "$@"' sh ${words}`;
  const terminal = openTerminal('sh', ['-c', `tty; echo mode $(stty -g); ${onggi}; echo ended $? $(stty -g)`]);
  const [, path = ''] = await terminal.expect(/(\/dev\/pts\/\d+)/);
  const [, before = ''] = await terminal.expect(/mode (\S+)/);
  const [, pid = ''] = await terminal.expect(/pid (\d+)/);
  return { terminal, path, before, pid: Number(pid) };
}

async function modeOf(path: string): Promise<string> {
  return (await run('stty', ['-F', path, '-a'])).stdout;
}

async function ended(terminal: Terminal): Promise<{ status: number; mode: string }> {
  const [, status = '', mode = ''] = await terminal.expect(/ended (\d+) (\S+)/);
  return { status: Number(status), mode };
}

const sh = (world: World, name: string) => [
  'run',
  '--rm',
  '-it',
  '--name',
  name,
  '--network',
  'none',
  world.image,
  'sh',
];

systemTest(
  'keys and output are raw while the container runs, and the terminal is put back',
  ['busybox'],
  async (world) => {
    const { terminal, path, before } = await shell(world, sh(world, 'mode'));
    await using _ = terminal;
    await terminal.expect(/# /);
    const during = await modeOf(path);
    for (const word of ['-isig', '-icanon', '-echo', '-opost', '-icrnl', '-ixon'])
      assert.ok(during.split(/\s+/).includes(word), during);
    terminal.type('exit 7\r');
    assert.deepEqual(await ended(terminal), { status: 7, mode: before });
  },
);

systemTest('detaching puts the terminal back and leaves the container running', ['busybox'], async (world) => {
  const { terminal, before } = await shell(world, sh(world, 'mode'));
  await using _ = terminal;
  await terminal.expect(/# /);
  terminal.type('\x10');
  terminal.type('\x11');
  assert.deepEqual(await ended(terminal), { status: 0, mode: before });
  assert.equal(await world.ok(['ps', '--format', '{{.Names}}']), 'mode');
});

systemTest('a signal to onggi puts the terminal back and leaves the container running', ['busybox'], async (world) => {
  for (const [name, number] of [
    ['TERM', 15],
    ['HUP', 1],
  ] as const) {
    const { terminal, before, pid } = await shell(world, sh(world, `mode-${name}`));
    await using _ = terminal;
    await terminal.expect(/# /);
    process.kill(pid, `SIG${name}`);
    assert.deepEqual(await ended(terminal), { status: 128 + number, mode: before });
    assert.ok((await world.ok(['ps', '--format', '{{.Names}}'])).includes(`mode-${name}`));
  }
});

systemTest('the end of the container by others puts the terminal back', ['busybox'], async (world) => {
  const { terminal, before } = await shell(world, sh(world, 'mode'));
  await using _ = terminal;
  await terminal.expect(/# /);
  await world.ok(['kill', 'mode']);
  assert.deepEqual(await ended(terminal), { status: 137, mode: before });
  await eventually('the container to be removed', async () => (await world.ok(['ps', '-aq'])) === '');
});
