/** What a container gets of the process that starts it: descriptors, and with the log driver passthrough its stdio. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../harness/program.ts';
import { binary, systemTest, type World } from '../harness/system-test.ts';
import { openTerminal } from '../harness/terminal.ts';

/** Runs a line of shell, in which `$O` is onggi and `$I` the image, in the scratch directory. */
async function shell(world: World, line: string, input = '') {
  const env = { O: `${binary} --root ${world.root}`, I: world.image, LISTEN_FDS: undefined, LISTEN_PID: undefined };
  return await run('sh', ['-c', line], { env, directory: world.scratch, input });
}

const alone = '$O run --rm --network none';

systemTest('descriptors are handed over by number, or as a service manager says', [], async (world) => {
  writeFileSync(join(world.scratch, 'file'), 'kept\n');
  const numbers = "'for n in 3 4 5 6; do test -e /proc/$$/fd/$n && echo $n; done; cat <&4'";
  const two = await shell(world, `${alone} --preserve-fds 2 $I sh -c ${numbers} 3</dev/null 4<file 5<file`);
  assert.deepEqual([two.stdout, two.stderr], ['3\n4\nkept\n', '']);
  const none = await shell(world, `${alone} --preserve-fds 2 $I true 3</dev/null 4<&-`);
  assert.equal(none.status, 125);
  assert.match(none.stderr, /--preserve-fds 2: descriptor 4 is not open/);

  const told = "'echo $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES; cat <&3'";
  const names = 'LISTEN_FDS=1 LISTEN_FDNAMES=web';
  assert.equal((await shell(world, `${names} ${alone} $I sh -c ${told} 3<file`)).stdout, '1 1 web\nkept\n');
  // Meant for somebody else.
  const other = await shell(
    world,
    `${names} LISTEN_PID=1 ${alone} $I sh -c 'test -e /proc/$$/fd/3 || echo none' 3<file`,
  );
  assert.equal(other.stdout, 'none\n', other.stderr);
  const both = await shell(world, `${names} ${alone} --preserve-fds 1 $I sh -c ${told} 3<file`);
  assert.deepEqual(both.stdout, '\nkept\n');
  assert.match(both.stderr, /Ignoring LISTEN_FDS/);

  // The one who reads hears of the end, so nobody else has the other side.
  const pipe = '{ $O run -d --name one --network none --preserve-fds 1 $I sh -c "echo out >&3; exec 3>&-; sleep 1000"';
  const read = await shell(world, `${pipe} 3>&1 >/dev/null; } | cat`);
  assert.equal(read.stdout, 'out\n', read.stderr);
  const exec = await shell(world, '$O exec --preserve-fds 1 one cat /proc/self/fd/3 3<file');
  assert.equal(exec.stdout, 'kept\n', exec.stderr);
  await world.ok(['rm', '-f', 'one']);
});

systemTest('with the log driver passthrough a container has the stdio of its starter', ['python3'], async (world) => {
  const through = '--log-driver passthrough';
  const script = "'cat; echo err >&2; exit 3'";
  const direct = await shell(world, `${alone} ${through} $I sh -c ${script} >out 2>err; echo $?`, 'typed');
  assert.equal(direct.stdout, '3\n');
  assert.deepEqual(
    ['out', 'err'].map((name) => readFileSync(join(world.scratch, name), 'utf8')),
    ['typed', 'err\n'],
  );
  const line = `$O run -d --name one --network none ${through} $I sh -c 'echo up; exec >&- 2>&-; sleep 1000' 2>&1 </dev/null | cat`;
  assert.match((await shell(world, line)).stdout, /^up$/m);
  for (const [args, message] of [
    [['logs', 'one'], /using the 'passthrough' log driver, cannot read logs/],
    [['attach', 'one'], /using the 'passthrough' log driver, cannot attach/],
  ] as const) {
    assert.match((await world.onggi(args)).stderr, message);
  }
  await world.ok(['stop', '-t', '0', 'one']);
  assert.match((await world.onggi(['start', '-a', 'one'])).stderr, /cannot attach/);
  assert.equal((await shell(world, '$O start one >again && cat again')).stdout.includes('up'), true);
  await world.ok(['rm', '-f', 'one']);
  const refusal = /the '--log-driver passthrough' option cannot be used on a TTY/;
  const refused = await world.onggi(['create', '-t', '--log-driver', 'passthrough', world.image, 'true']);
  assert.match(refused.stderr, refusal);
  await using terminal = openTerminal(binary, [
    '--root',
    world.root,
    'run',
    '--log-driver',
    'passthrough',
    world.image,
    'true',
  ]);
  await terminal.expect(refusal);
  assert.equal(await terminal.exit, 125);
});
