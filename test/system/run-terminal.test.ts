/** `onggi run -it`, `attach` and `exec -it` at a real terminal: size, keys, detaching, coming back. */
import assert from 'node:assert/strict';
import { binary, systemTest, type World } from '../harness/system-test.ts';
import { openTerminal, type Size, type Terminal } from '../harness/terminal.ts';
import { detached, inspect } from './container-view.ts';

function terminal(world: World, args: readonly string[], size?: Size): Terminal {
  return openTerminal(binary, ['--root', world.root, ...args], size);
}

const interactive = ['run', '-it', '--network', 'none'];
const detachKeys = '\x10\x11';

systemTest('a shell at a terminal: size, keys, end', ['busybox', 'python3'], async (world) => {
  await using shell = terminal(world, [...interactive, '--rm', world.image, 'sh'], { rows: 33, columns: 111 });
  await shell.expect(/\/ # /);
  shell.type('stty size; tty; echo $TERM; test -t 1 && echo yes\r');
  await shell.expect(/33 111\r\n\/dev\/pts\/0\r\nxterm\r\nyes\r\n/);
  shell.resize({ rows: 50, columns: 200 });
  // The change arrives as SIGWINCH, by its own time.
  shell.type('while [ "$(stty size)" != "50 200" ]; do sleep 0.01; done; echo re""sized\r');
  await shell.expect(/resized\r\n/);
  // Ctrl-C is a key of the container's terminal, not a signal to onggi.
  shell.type('sh -c "echo asl""eep; exec sleep 1000"\r');
  await shell.expect(/asleep\r\n/);
  shell.type('\x03');
  await shell.expect(/\^C[\s\S]*\/ # /);
  shell.type('echo $?; exit 7\r');
  await shell.expect(/130\r\n/);
  assert.equal(await shell.exit, 7);
});

systemTest(
  'the probe finds a terminal of its own, the size known from the start',
  ['busybox', 'python3'],
  async (world) => {
    await using probe = terminal(world, [...interactive, '--rm', world.image, 'onggi-probe'], {
      rows: 40,
      columns: 90,
    });
    const [text] = await probe.expect(/\{.*\}(?=\r\n)/);
    assert.equal(await probe.exit, 0);
    const seen = JSON.parse(text);
    assert.deepEqual(seen.terminal, { name: '/dev/pts/0', rows: 40, columns: 90, controlling: true, foreground: true });
    assert.deepEqual(seen.descriptors, { 0: '/dev/pts/0', 1: '/dev/pts/0', 2: '/dev/pts/0' });
    assert.ok(seen.mountinfo.some((line: string) => / \/dev\/console /.test(line)));
  },
);

systemTest('ctrl-p ctrl-q leaves it running, attach comes back', ['busybox', 'python3'], async (world) => {
  {
    await using shell = terminal(world, [...interactive, '--name', 'jar', world.image, 'sh']);
    await shell.expect(/# /);
    shell.type('kept=here\r');
    await shell.expect(/# /);
    shell.type(detachKeys);
    assert.equal(await shell.exit, 0);
  }
  assert.equal((await inspect(world, 'jar')).State.Running, true);
  {
    await using shell = terminal(world, ['attach', 'jar']);
    // Its answer tells that keys are passed on raw: before, ctrl-q is a key of the line discipline.
    shell.type('\r');
    await shell.expect(/# /);
    shell.type(detachKeys);
    // Docker's words and status, which are not those of `run`.
    await shell.expect(/read escape sequence\r\n/);
    assert.equal(await shell.exit, 1);
  }
  await using back = terminal(world, ['attach', 'jar'], { rows: 21, columns: 77 });
  back.type('\r');
  await back.expect(/# /);
  back.type('echo $kept; while [ "$(stty size)" != "21 77" ]; do sleep 0.01; done; echo si""zed\r');
  await back.expect(/here\r\n[\s\S]*sized\r\n/);
  back.type('exit 3\r');
  assert.equal(await back.exit, 3);
  assert.equal((await inspect(world, 'jar')).State.ExitCode, 3);
  const told = ['events', '--since', '1h', '--until', '0s', '--filter', 'event=detach', '--filter', 'event=resize'];
  const events = await world.ok([...told, '--format', '{{.Action}} {{index .Actor.Attributes "width"}}']);
  assert.equal(events.match(/^detach/gm)?.length, 2, events);
  assert.match(events, /^resize 77$/m);
});

systemTest(
  'who comes back with another window tells the container by SIGWINCH',
  ['busybox', 'python3'],
  async (world) => {
    const keys = ['--detach-keys', 'ctrl-x,q'];
    const watch = 'trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done';
    {
      await using first = terminal(world, [
        'run',
        '-it',
        ...keys,
        '--name',
        'watch',
        '--network',
        'none',
        world.image,
        'sh',
        '-c',
        watch,
      ]);
      await first.expect(/ready\r\n/);
      first.type('\x18q');
      assert.equal(await first.exit, 0);
    }
    for (const [rows, columns] of [
      [21, 77],
      [40, 120],
    ] as const) {
      await using back = terminal(world, ['attach', ...keys, 'watch'], { rows, columns });
      await back.expect(new RegExp(`${rows} ${columns}\\r\\n`));
      back.resize({ rows: rows + 1, columns: columns + 1 });
      await back.expect(new RegExp(`${rows + 1} ${columns + 1}\\r\\n`));
      back.type('\x18q');
      await back.expect(/read escape sequence\r\n/);
      assert.equal(await back.exit, 1);
    }
    await world.ok(['rm', '-f', 'watch']);
  },
);

systemTest('other detach keys; what only begins like them is passed on', ['busybox', 'python3'], async (world) => {
  await using cat = terminal(world, [
    ...interactive,
    '--name',
    'jar',
    '--detach-keys',
    'ctrl-x,y',
    world.image,
    'sh',
    '-c',
    'stty -echo raw; echo go; cat -v',
  ]);
  await cat.expect(/go/);
  cat.type('a\x10\x11b\x18zc\n');
  await cat.expect(/a\^P\^Qb\^Xzc/);
  cat.type('\x18y');
  assert.equal(await cat.exit, 0);
  await world.ok(['kill', 'jar']);
  const { status, stderr } = await world.onggi(['run', '--detach-keys', 'ctrl-', world.image, 'true']);
  assert.equal(status, 125);
  assert.match(stderr, /ctrl-/);
});

systemTest('two terminals at one container see the same', ['busybox', 'python3'], async (world) => {
  await using first = terminal(world, [...interactive, '--name', 'jar', world.image, 'sh']);
  await first.expect(/# /);
  await using second = terminal(world, ['attach', 'jar']);
  second.type('\r');
  await second.expect(/# /);
  second.type('echo from the se""cond\r');
  await first.expect(/from the second\r\n/);
  await second.expect(/from the second\r\n/);
  first.type('exit 5\r');
  assert.deepEqual([await first.exit, await second.exit], [5, 5]);
});

systemTest('a terminal that is closed does not end the container', ['busybox', 'python3'], async (world) => {
  {
    await using shell = terminal(world, [...interactive, '--name', 'jar', world.image, 'sh']);
    await shell.expect(/# /);
  }
  assert.equal((await inspect(world, 'jar')).State.Running, true);
  await world.ok(['kill', 'jar']);
});

systemTest('-t without -i, -i without a terminal', ['busybox'], async (world) => {
  assert.equal(await world.ok(['run', '--rm', '-t', '--network', 'none', world.image, 'tty']), '/dev/pts/0\r');
  const { status, stderr } = await world.onggi(['run', '--rm', '-it', world.image, 'true']);
  assert.equal(status, 1);
  assert.match(stderr, /the input device is not a TTY/);
  // In the background a terminal needs none of ours.
  const id = await detached(world, ['-it'], ['sh', '-c', 'tty; read line; echo "got $line"']);
  assert.equal((await inspect(world, id)).Config['Tty'], true);
  await world.ok(['rm', '-f', id]);
});

systemTest('exec -it has a terminal of its own and leaves by keys too', ['busybox', 'python3'], async (world) => {
  const id = await detached(world, [], ['onggi-probe', 'sleep']);
  {
    await using shell = terminal(world, ['exec', '-it', id, 'sh'], { rows: 12, columns: 34 });
    await shell.expect(/# /);
    shell.type('stty size; tty\r');
    await shell.expect(/12 34\r\n\/dev\/pts\/0\r\n/);
    shell.resize({ rows: 56, columns: 78 });
    shell.type('while [ "$(stty size)" != "56 78" ]; do sleep 0.01; done; echo re""sized\r');
    await shell.expect(/resized\r\n/);
    shell.type('exit 9\r');
    assert.equal(await shell.exit, 9);
  }
  await using left = terminal(world, ['exec', '-it', id, 'sh']);
  await left.expect(/# /);
  left.type(detachKeys);
  await left.expect(/read escape sequence\r\n/);
  assert.equal(await left.exit, 1);
  assert.match(await world.ok(['exec', id, 'ps', '-o', 'args']), /^sh$/m);
});
