/** Terminals of containers that a launcher makes: relayed in the foreground, handed over by a console socket. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCreated } from '../../src/kernel/launcher.ts';
import { encodePlan } from '../../src/runtime/plan/encode.ts';
import { requires } from '../harness/requires.ts';
import { openTerminal, type Size, type Terminal } from '../harness/terminal.ts';
import {
  createdPlan,
  fifoOf,
  interpreter,
  type LauncherWish,
  launcherPlan,
  launchIn,
  refusal,
} from './launcher-container.ts';
import { ended, eventually, inPlace, type Place, statusField } from './shim-container.ts';

const needs = requires('root', 'python3');
const driver = join(import.meta.dirname, 'launcher-driver.ts');

function planFile(place: Place, wish: LauncherWish): string {
  const file = join(place.path, 'plan');
  writeFileSync(file, encodePlan(launcherPlan(place, wish)));
  return file;
}

/** A shell around the driver tells what the terminal is like afterwards. */
function foreground(place: Place, argv: readonly string[], size?: Size): Terminal {
  const file = planFile(place, { argv, launcher: { terminal: true } });
  const script = '"$0" "$1" "$2"; status=$?; stty -a | tr "\\n;" "  "; echo "status $status"';
  return openTerminal('sh', ['-c', script, process.execPath, driver, file], size);
}

/** Echo and signals of keys are on again. */
const cooked = / isig icanon .* echo .*(?=status)/;

test('a shell at a relayed terminal: size, keys, the terminal as it was', needs, async () => {
  await inPlace(async (place) => {
    await using shell = foreground(place, ['sh'], { rows: 33, columns: 111 });
    await shell.expect(/\/ # /);
    shell.type('stty size; tty; test -t 2 && echo yes\r');
    await shell.expect(/33 111\r\n\/dev\/pts\/0\r\nyes\r\n/);
    shell.resize({ rows: 50, columns: 200 });
    shell.type('while [ "$(stty size)" != "50 200" ]; do sleep 0.01; done; echo re""sized\r');
    await shell.expect(/resized\r\n/);
    shell.type('sh -c "echo asl""eep; exec sleep 1000"\r');
    await shell.expect(/asleep\r\n/);
    shell.type('\x03');
    await shell.expect(/\^C[\s\S]*\/ # /);
    shell.type('exit 7\r');
    await shell.expect(cooked);
    await shell.expect(/status 7/);
  });
});

test('all output of a terminal arrives, in order, also the last of it', needs, async () => {
  await inPlace(async (place) => {
    await using shell = foreground(place, ['sh', '-c', 'seq 1 30000; echo done']);
    await shell.expect(/29999\r\n30000\r\ndone\r\n/, 20_000);
    await shell.expect(/status 0/);
    const lines = shell.screen().split('\r\n').slice(0, 30_000);
    assert.deepEqual(
      lines,
      Array.from({ length: 30_000 }, (_, index) => String(index + 1)),
    );
  });
});

test('the terminal is as it was when the command can not be executed', needs, async () => {
  await inPlace(async (place) => {
    writeFileSync(join(place.root, 'bin/broken'), '\x7fELF broken', { mode: 0o755 });
    await using shell = foreground(place, ['broken']);
    await shell.expect(/error: execute "\/bin\/broken": 8\r\n/);
    await shell.expect(cooked);
    await shell.expect(/status 125/);
  });
});

test('the terminal is as it was when the command in the foreground is killed', needs, async () => {
  await inPlace(async (place) => {
    const file = planFile(place, { argv: ['sh', '-c', 'echo up; exec sleep 1000'], launcher: { terminal: true } });
    const script =
      'TELL_PID=1 "$0" "$1" "$2" & echo "driver $!"; fg >/dev/null; stty -a | tr "\\n;" "  "; echo "status x"';
    await using shell = openTerminal('bash', ['-m', '-c', script, process.execPath, driver, file]);
    const [, pid] = await shell.expect(/driver (\d+)/);
    const [, init, other] = await shell.expect(/up[\s\S]*pid (\d+)|pid (\d+)[\s\S]*up/);
    process.kill(Number(pid), 'SIGKILL');
    await shell.expect(cooked);
    // It outlives the kill of who has started it.
    process.kill(Number(init ?? other), 'SIGKILL');
    assert.ok(await ended(Number(init ?? other)));
  });
});

type Driven = { readonly child: ChildProcess; readonly pid: number };

/** The driver without a terminal, in a process group of its own, and the pid of the container's init. */
async function drive(place: Place, argv: readonly string[]): Promise<Driven> {
  const file = planFile(place, { argv });
  const child = spawn(process.execPath, [driver, file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, TELL_PID: '1' },
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  assert.ok(await eventually(() => /^pid \d+$/m.test(said)), said);
  return { child, pid: Number(/^pid (\d+)$/m.exec(said)?.[1]) };
}

test('a signal to the process group reaches the container once', needs, async () => {
  await inPlace(async (place) => {
    const script = 'n=0; trap "n=\\$((n+1))" HUP; trap "exit \\$n" TERM; echo up; while :; do sleep 0.01; done';
    const { child, pid } = await drive(place, ['sh', '-c', script]);
    await once(child.stdout ?? child, 'data');
    assert.ok(child.pid);
    process.kill(-child.pid, 'SIGHUP');
    await new Promise((resolve) => setTimeout(resolve, 100));
    process.kill(-child.pid, 'SIGTERM');
    const [status] = await once(child, 'exit');
    assert.equal(status, 1);
    assert.ok(await ended(pid));
  });
});

test('a container in the foreground outlives the kill of who has started it', needs, async () => {
  await inPlace(async (place) => {
    const { child, pid } = await drive(place, ['sh', '-c', 'while :; do sleep 0.01; done']);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.notEqual(statusField(pid, 'State'), undefined);
    process.kill(pid, 'SIGKILL');
    assert.ok(await ended(pid));
  });
});

/** Listens as containerd and conmon do, and talks through the terminal it is sent. */
const receiver = `
import array, os, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen(1)
print("listening", flush=True)
peer, _ = server.accept()
name, fds, flags, _ = socket.recv_fds(peer, 4096, 4)
print(name.decode(), len(fds), peer.recv(1) == b"", os.isatty(fds[0]), flush=True)
while True:
    try:
        data = os.read(fds[0], 4096)
    except OSError:
        break
    sys.stdout.write(data.decode()); sys.stdout.flush()
`;

test('the master of the terminal goes over the console socket', needs, async () => {
  await inPlace(async (place) => {
    const path = join(place.path, 'console.sock');
    const child = spawn('python3', ['-c', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let heard = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      heard += chunk;
    });
    assert.ok(await eventually(() => heard === 'listening\n'));
    const wish: LauncherWish = {
      argv: ['sh', '-c', 'tty; onggi-probe'],
      launcher: { terminal: true },
      consoleSocket: path,
    };
    const plan = createdPlan(place, wish);
    using launched = launchIn(place, plan, wish);
    const { pid } = launched.created();
    startCreated(fifoOf(place), interpreter(plan));
    await once(child, 'close');
    assert.ok(await ended(pid));
    const [, name, tty, json = ''] = heard.split(/[\r\n]+/);
    assert.equal(name, '/dev/ptmx 1 True True');
    assert.equal(tty, '/dev/pts/0');
    const seen = JSON.parse(json);
    assert.deepEqual(seen.descriptors, { 0: '/dev/pts/0', 1: '/dev/pts/0', 2: '/dev/pts/0' });
    assert.equal(seen.terminal.controlling, true);
  });
});

test('a console socket that nobody listens on is an error before anything is made', needs, async () => {
  await inPlace(async (place) => {
    const wish: LauncherWish = { argv: ['true'], launcher: { terminal: true }, consoleSocket: join(place.path, 'no') };
    const { code, message } = refusal(() => launchIn(place, createdPlan(place, wish), wish));
    assert.equal(code, 'not-found');
    assert.match(message, /connect to the console socket ".*\/no"/);
  });
});
