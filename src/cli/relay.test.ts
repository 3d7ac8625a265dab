import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { defaultDetachKeys } from './detach-keys.ts';
import { type RelayOptions, relay, statusOf } from './relay.ts';
import { ending, fakeSession, fakeWorld } from './testing.ts';

const options: RelayOptions = {
  stdin: false,
  stdout: true,
  stderr: true,
  terminal: false,
  signalProxy: true,
  detachKeys: defaultDetachKeys,
};
const size = { rows: 24, columns: 80 };

/** Input that stays open until it is told to end. */
function openInput(...chunks: string[]): { input: AsyncIterable<Uint8Array>; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* generate(): AsyncIterable<Uint8Array> {
    for (const chunk of chunks) yield new TextEncoder().encode(chunk);
    await promise;
  }
  return { input: generate(), end: resolve };
}

test('output goes where it belongs, the ending comes back, the session is closed', async () => {
  const world = fakeWorld();
  const session = fakeSession((it) => {
    it.print('out\n');
    it.print('err\n', 'stderr');
    it.end(7);
  });
  assert.deepEqual(await relay(session, world, options), { type: 'ended', ending: ending(7) });
  assert.equal(world.stdout.text(), 'out\n');
  assert.equal(world.stderr.text(), 'err\n');
  assert.deepEqual(session.log, ['closed']);
});

test('a stream that is not attached is read and dropped', async () => {
  const world = fakeWorld();
  const session = fakeSession((it) => {
    it.print('out\n');
    it.print('err\n', 'stderr');
    it.end(0);
  });
  await relay(session, world, { ...options, stdout: false });
  assert.equal(world.stdout.text(), '');
  assert.equal(world.stderr.text(), 'err\n');
});

test('output that arrives slowly is waited for', async () => {
  const world = fakeWorld();
  const slow: string[] = [];
  const stdout = {
    ...world.stdout,
    write: async (bytes: Uint8Array) => {
      await setImmediate();
      slow.push(new TextDecoder().decode(bytes));
    },
  };
  const session = fakeSession((it) => {
    for (let i = 0; i < 20; i += 1) it.print(`${i} `);
    it.end(0);
  });
  await relay(session, { ...world, stdout }, options);
  assert.equal(slow.length, 20);
});

test('input is passed on and its end, too; the process may go on after it', async () => {
  const world = fakeWorld({ input: ['hello ', 'world'] });
  const session = fakeSession();
  const done = relay(session, world, { ...options, stdin: true });
  while (!session.log.includes('stdin closed')) await setImmediate();
  assert.equal(session.written(), 'hello world');
  session.end(3);
  assert.equal((await done).type, 'ended');
});

test('without stdin the input is not touched', async () => {
  const session = fakeSession((it) => it.end(0));
  const world = fakeWorld();
  const stdin = {
    ...world.stdin,
    chunks: () => {
      throw new Error('read');
    },
  };
  await relay(session, { ...world, stdin }, options);
  assert.equal(session.written(), '');
});

test('a process that ends leaves the open input alone', async () => {
  const { input, end } = openInput('x');
  const session = fakeSession();
  const done = relay(session, fakeWorld({ input }), { ...options, stdin: true });
  await setImmediate();
  session.end(0);
  assert.equal((await done).type, 'ended');
  end();
});

test('a process that no longer takes input is not an error', async () => {
  const session = fakeSession();
  session.write = async () => {
    throw new Error('EPIPE');
  };
  const done = relay(session, fakeWorld({ input: ['x', 'y'] }), { ...options, stdin: true });
  await setImmediate();
  session.end(4);
  assert.deepEqual(await done, { type: 'ended', ending: ending(4) });
});

test('signals are passed on as long as the session lasts', async () => {
  const world = fakeWorld();
  const session = fakeSession();
  const done = relay(session, world, options);
  assert.ok(world.send('SIGTERM', 15));
  assert.ok(world.send('SIGUSR1', 10));
  assert.ok(!world.send('SIGWINCH', 28));
  session.end(143);
  await done;
  assert.deepEqual(session.log, ['signal 15', 'signal 10', 'closed']);
  assert.ok(!world.send('SIGTERM', 15));
});

test('without the proxy, or with a terminal, signals do what they always do', async () => {
  for (const changed of [{ signalProxy: false }, { terminal: true }]) {
    const world = fakeWorld();
    const session = fakeSession();
    const done = relay(session, world, { ...options, ...changed });
    assert.ok(!world.send('SIGTERM', 15));
    session.end(0);
    await done;
  }
});

test('the size of a terminal is told at once and at each change', async () => {
  const world = fakeWorld({ terminal: size });
  const session = fakeSession();
  const done = relay(session, world, { ...options, terminal: true });
  world.send('SIGWINCH', 28);
  session.end(0);
  await done;
  assert.deepEqual(session.log, ['resize 24x80', 'resize 24x80', 'closed']);
});

test('the terminal is raw while keys are passed on, and put back on every way out', async (t) => {
  const tty = { ...options, stdin: true, terminal: true };
  await t.test('the process ends', async () => {
    const { input } = openInput();
    const world = fakeWorld({ terminal: size, input });
    const session = fakeSession();
    const done = relay(session, world, tty);
    await setImmediate();
    assert.ok(world.isRaw());
    session.end(0);
    await done;
    assert.ok(!world.isRaw());
  });
  await t.test('the session breaks', async () => {
    const { input } = openInput();
    const world = fakeWorld({ terminal: size, input });
    const session = fakeSession();
    const done = relay(session, world, tty);
    await setImmediate();
    session.fail(new Error('lost'));
    await assert.rejects(done, /lost/);
    assert.ok(!world.isRaw());
  });
  await t.test('the user detaches', async () => {
    const { input } = openInput('ab', '\x10', '\x11', 'never');
    const world = fakeWorld({ terminal: size, input });
    const session = fakeSession();
    assert.deepEqual(await relay(session, world, tty), { type: 'detached' });
    assert.equal(session.written(), 'ab');
    assert.ok(!world.isRaw());
    assert.equal(session.log.at(-1), 'closed');
  });
  await t.test('this process is told to end', async () => {
    const { input } = openInput();
    const world = fakeWorld({ terminal: size, input });
    const session = fakeSession();
    const done = relay(session, world, tty);
    await setImmediate();
    assert.ok(world.send('SIGTERM', 15));
    const end = await done;
    assert.deepEqual(end, { type: 'killed', signal: 15 });
    assert.equal(
      statusOf(end, () => 0),
      143,
    );
    assert.ok(!world.isRaw());
    assert.deepEqual(
      session.log.filter((line) => line.startsWith('signal')),
      [],
    );
  });
  await t.test('the input can not be read', async () => {
    async function* broken(): AsyncIterable<Uint8Array> {
      yield new Uint8Array([120]);
      throw new Error('EIO');
    }
    const world = fakeWorld({ terminal: size, input: broken() });
    await assert.rejects(relay(fakeSession(), world, tty), /EIO/);
    assert.ok(!world.isRaw());
  });
});

test('detach keys mean nothing in a pipe', async () => {
  const session = fakeSession();
  const done = relay(session, fakeWorld({ input: ['\x10\x11x'] }), { ...options, stdin: true });
  while (!session.log.includes('stdin closed')) await setImmediate();
  session.end(0);
  await done;
  assert.equal(session.written(), '\x10\x11x');
});

test('a failure to write ends the relay, though the process goes on', async () => {
  const world = fakeWorld();
  const stdout = {
    ...world.stdout,
    write: async () => {
      throw new Error('ENOSPC');
    },
  };
  const session = fakeSession((it) => it.print('x'));
  await assert.rejects(relay(session, { ...world, stdout }, options), /ENOSPC/);
  assert.deepEqual(session.log, ['closed']);
});
