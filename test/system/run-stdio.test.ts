/** `onggi run`: what goes in by stdin and comes out by stdout and stderr, without a terminal. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { eventually, run } from '../harness/program.ts';
import { binary, systemTest, type World } from '../harness/system-test.ts';
import { detached, linesOf } from './container-view.ts';

/** The first `count` bytes that this shell line prints, and their digest, without keeping them. */
function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Runs with bytes, not text, on all three. */
async function bytesThrough(world: World, args: readonly string[], input: Uint8Array) {
  const child = spawn(binary, ['--root', world.root, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const read = async (stream: NodeJS.ReadableStream) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  };
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const exit = once(child, 'close');
  const [stdout, stderr] = await Promise.all([read(child.stdout), read(child.stderr)]);
  const [status] = (await exit) as [number | null];
  return { status, stdout, stderr };
}

const quiet = ['run', '--rm', '-i', '--network', 'none'];

systemTest('large binary data goes in and comes back unchanged', ['busybox'], async (world) => {
  // No multiple of any buffer's size.
  const data = randomBytes(32 * 1024 * 1024 + 4321);
  const { status, stdout, stderr } = await bytesThrough(world, [...quiet, world.image, 'cat'], data);
  assert.deepEqual([status, stderr.toString()], [0, '']);
  assert.equal(stdout.length, data.length);
  assert.equal(sha256(stdout), sha256(data));
});

systemTest('both directions at once, each with its digest', ['busybox'], async (world) => {
  const data = randomBytes(8 * 1024 * 1024 + 1);
  const line = 'sha256sum >&2 & dd if=/dev/zero bs=64k count=128 2>/dev/null; wait';
  // In the background a shell gives its children /dev/null to read, hence the descriptor by hand.
  const both = line.replace('sha256sum', 'exec 3<&0; sha256sum <&3');
  const { status, stdout, stderr } = await bytesThrough(world, [...quiet, world.image, 'sh', '-c', both], data);
  assert.equal(status, 0);
  assert.equal(stderr.toString().split(' ')[0], sha256(data));
  assert.equal(sha256(stdout), sha256(new Uint8Array(8 * 1024 * 1024)));
});

systemTest('the end of the input is passed on, with and without input', ['busybox'], async (world) => {
  assert.equal(
    (await bytesThrough(world, [...quiet, world.image, 'wc', '-c'], Buffer.alloc(0))).stdout.toString(),
    '0\n',
  );
  assert.equal(
    (await bytesThrough(world, [...quiet, world.image, 'wc', '-c'], Buffer.from('abc'))).stdout.toString(),
    '3\n',
  );
  // Without -i there is none, and nothing of the caller's is eaten.
  const script = `"$0" --root "$1" run --rm --network none "$2" cat; cat`;
  const { stdout } = await run('sh', ['-c', script, binary, world.root, world.image], { input: 'kept for the next' });
  assert.equal(stdout, 'kept for the next');
});

systemTest('a command that does not read its input is no error', ['busybox'], async (world) => {
  const { status, stderr } = await bytesThrough(world, [...quiet, world.image, 'true'], randomBytes(4 << 20));
  assert.deepEqual([status, stderr.toString()], [0, '']);
  const closing = ['sh', '-c', 'exec <&-; sleep 0.2; exit 5'];
  const closed = await bytesThrough(world, [...quiet, world.image, ...closing], randomBytes(4 << 20));
  assert.deepEqual([closed.status, closed.stderr.toString()], [5, '']);
});

systemTest('stdout and stderr stay apart, and can be chosen', ['busybox'], async (world) => {
  const line = 'echo out; echo err >&2; printf "no newline"';
  const run = async (...flags: string[]) => {
    const { stdout, stderr } = await world.onggi([
      'run',
      '--rm',
      '--network',
      'none',
      ...flags,
      world.image,
      'sh',
      '-c',
      line,
    ]);
    return [stdout, stderr];
  };
  assert.deepEqual(await run(), ['out\nno newline', 'err\n']);
  assert.deepEqual(await run('-a', 'stdout'), ['out\nno newline', '']);
  assert.deepEqual(await run('-a', 'stderr'), ['', 'err\n']);
});

systemTest('a reader that goes away ends neither silently nor for ever', ['busybox'], async (world) => {
  const script = `"$0" --root "$1" run --rm --network none "$2" yes | head -n 3; echo "end \${PIPESTATUS[0]}"`;
  const { stdout } = await run('bash', ['-c', script, binary, world.root, world.image]);
  assert.equal(stdout.startsWith('y\ny\ny\nend '), true, stdout);
  // The container goes on without us, as with Docker; it is the user's to stop.
  for (const id of linesOf(await world.ok(['ps', '-q']))) await world.ok(['rm', '-f', id]);
});

systemTest('output that nobody reads stops the writer and is not lost', ['busybox'], async (world) => {
  const size = 24 << 20;
  const running = world.start([
    ...quiet,
    world.image,
    'sh',
    '-c',
    `head -c ${size} /dev/zero | tr "\\\\0" z; echo done >&2`,
  ]);
  running.child.stdout?.pause();
  running.child.stdin?.end();
  // All buffers on the way are far smaller than the output, so it can't be done before we read.
  await eventually(
    'the pipe is full',
    () => (running.child.stdout?.readableLength ?? 0) > 0 || running.child.stdout?.isPaused() === true,
  );
  assert.equal(running.output().stderr, '');
  running.child.stdout?.resume();
  const { status, stdout, stderr } = await running.outcome;
  assert.deepEqual([status, stdout.length, stderr], [0, size, 'done\n']);
  assert.match(stdout, /^z+$/);
});

systemTest(
  'what runs in the background has an empty input and keeps its output in the log',
  ['busybox'],
  async (world) => {
    const id = await detached(world, [], ['sh', '-c', 'cat; echo logged; echo problem >&2']);
    assert.equal(await world.ok(['wait', id]), '0');
    const { stdout, stderr } = await world.onggi(['logs', id]);
    assert.deepEqual([stdout, stderr], ['logged\n', 'problem\n']);
  },
);
