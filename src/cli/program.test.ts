import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { version } from '../version.ts';
import { exitStatus, renderFailure } from './failure.ts';
import { runFake } from './testing.ts';

const runUsage = 'Usage:  onggi run [OPTIONS] IMAGE [COMMAND] [ARG...]';

/** Command lines that never reach the engine: exit status and standard error. */
const refused: readonly [string, number, string | RegExp][] = [
  ['foo', 1, "onggi: unknown command: onggi foo\n\nRun 'onggi --help' for more information\n"],
  [
    'container foo',
    1,
    "onggi: unknown command: onggi container foo\n\nRun 'onggi container --help' for more information\n",
  ],
  ['build .', 1, "onggi: command 'build' is not supported\n\nRun 'onggi --help' for more information\n"],

  ['help foo', 1, "onggi: unknown command: onggi foo\n\nRun 'onggi --help' for more information\n"],
  [
    '--foo',
    125,
    "onggi: unknown flag: --foo\n\nUsage:  onggi [OPTIONS] COMMAND [ARG...]\n\nRun 'onggi --help' for more information\n",
  ],
  [
    '-x ps',
    125,
    "onggi: unknown shorthand flag: 'x' in -x\n\nUsage:  onggi [OPTIONS] COMMAND [ARG...]\n\nRun 'onggi --help' for more information\n",
  ],
  ['-H tcp://x ps', 125, "onggi: flag --host is not supported\n\nRun 'onggi --help' for more information\n"],
  [
    'run',
    1,
    `onggi: 'onggi run' requires at least 1 argument\n\n${runUsage}\n\nRun 'onggi run --help' for more information\n`,
  ],
  ['run --foo x', 125, `onggi: unknown flag: --foo\n\n${runUsage}\n\nRun 'onggi run --help' for more information\n`],
  [
    'run -m foo x',
    125,
    `onggi: invalid argument "foo" for "-m, --memory" flag: invalid size: 'foo'\n\n${runUsage}\n\nRun 'onggi run --help' for more information\n`,
  ],
  [
    'run --ip 10.0.0.9 y',
    125,
    'onggi: user specified IP address is supported on user defined networks only\nThere are none here; leave it out, and "onggi inspect" shows the address that the container gets.\n',
  ],
  [
    'run --network nowhere y',
    125,
    'onggi: network nowhere not found\nThere are bridge, host, none and container:NAME.\n',
  ],
  ['inspect --type foo x', 1, /^onggi: unknown type: "foo": must be one of "container", "image", /],
  [
    'volume create -d nosuch v',
    1,
    /^onggi: create v: error looking up volume plugin nosuch: plugin "nosuch" not found/,
  ],
  ['container prune -f --filter foo=bar', 1, /^onggi: Invalid filter 'foo'\n/],
  [
    'run -p a:b x',
    125,
    `onggi: invalid argument "a:b" for "-p, --publish" flag: invalid containerPort: b\n\n${runUsage}\n\nRun 'onggi run --help' for more information\n`,
  ],
  [
    'run --mount type=npipe,src=d,dst=/d x',
    125,
    "onggi: mount of type 'npipe' is not supported\n\nRun 'onggi run --help' for more information\n",
  ],
  ['run -d -a stdout x', 1, 'onggi: conflicting options: cannot specify both --attach and --detach\n'],
  ['run --env-file /nonexistent x', 125, "onggi: read '/nonexistent': ENOENT: no such file or directory\n"],
  [
    'run --mount type=bind,src=/nonexistent,dst=/x x',
    125,
    'onggi: invalid mount config for type "bind": bind source path does not exist: /nonexistent\n',
  ],
  ['run -it x', 1, 'onggi: the input device is not a TTY\nLeave out -t, or -i.\n'],
  ['exec -it c sh', 1, 'onggi: the input device is not a TTY\nLeave out -t, or -i.\n'],
  [
    'ps x',
    1,
    "onggi: 'onggi ps' accepts no arguments\n\nUsage:  onggi ps [OPTIONS]\n\nRun 'onggi ps --help' for more information\n",
  ],
  [
    'run --kernel-memory 1',
    125,
    "onggi: flag --kernel-memory is not supported\n\nRun 'onggi run --help' for more information\n",
  ],
  [
    'diff a b',
    1,
    "onggi: 'onggi diff' requires 1 argument\n\nUsage:  onggi diff CONTAINER\n\nRun 'onggi diff --help' for more information\n",
  ],
  [
    'images a b',
    1,
    "onggi: 'onggi images' requires at most 1 argument\n\nUsage:  onggi images [OPTIONS] [REPOSITORY[:TAG]]\n\nRun 'onggi images --help' for more information\n",
  ],
  [
    'exec a',
    1,
    "onggi: 'onggi exec' requires at least 2 arguments\n\nUsage:  onggi exec [OPTIONS] CONTAINER COMMAND [ARG...]\n\nRun 'onggi exec --help' for more information\n",
  ],
  ['start -a a b', 1, 'onggi: you cannot start and attach multiple containers at once\n'],
  ['completion tcsh', 1, "onggi: completion for 'tcsh'\nThere are bash, zsh and fish.\n"],
  ['pull Upper', 1, 'onggi: image "Upper": invalid reference format: repository name must be lowercase\n'],
  [
    'container --foo',
    125,
    "onggi: unknown flag: --foo\n\nUsage:  onggi container COMMAND\n\nRun 'onggi container --help' for more information\n",
  ],
];

test('what is refused, with its exit status and words', async (t) => {
  for (const [line, status, stderr] of refused) {
    await t.test(line, async () => {
      const ran = await runFake(line.split(' '));
      if (typeof stderr === 'string') assert.equal(ran.stderr, stderr);
      else assert.match(ran.stderr, stderr);
      assert.deepEqual({ status: ran.status, stdout: ran.stdout }, { status, stdout: '' });
    });
  }
});

test('the version, however it is asked for', async () => {
  for (const argv of [['--version'], ['-v'], ['-v', 'ps'], ['--version', '--debug']]) {
    assert.deepEqual((await runFake(argv)).stdout, `onggi version ${version}\n`);
  }
});

function failing(error: unknown) {
  const fail = async (): Promise<never> => {
    throw error;
  };
  return {
    containers: { create: fail, run: fail, exec: fail, list: fail, table: fail },
    images: { exists: async () => true },
  };
}

const statuses: readonly [string, OnggiError['code'], number][] = [
  ['run x', 'not-found', 125],
  ['run x', 'invalid', 125],
  ['run x nosuch', 'command-not-found', 127],
  ['run --device /dev/nosuch x', 'missing-on-host', 127],
  ['run x /etc', 'not-executable', 126],
  ['run x', 'cancelled', 130],
  ['run -d x', 'exhausted', 125],
  ['create x', 'not-found', 1],
  ['exec c nosuch', 'command-not-found', 127],
  ['exec c /etc', 'not-executable', 126],
  ['exec c true', 'conflict', 1],
  ['ps', 'corrupt', 1],
];

test('exit statuses of errors of the engine', async (t) => {
  for (const [line, code, status] of statuses) {
    await t.test(`${line}: ${code}`, async () => {
      const ran = await runFake(line.split(' '), { engine: failing(new OnggiError(code, 'no', { hint: 'Try.' })) });
      assert.deepEqual([ran.status, ran.stderr], [status, 'onggi: no\nTry.\n']);
    });
  }
});

test('a defect is shown as one', async () => {
  const ran = await runFake(['ps'], { engine: failing(new TypeError('x is not a function')) });
  assert.equal(ran.status, 1);
  assert.equal(
    ran.stderr,
    "onggi: internal error: x is not a function\nThis is a defect of onggi; 'onggi --debug ...' shows more.\n",
  );
});

test('--debug shows where an error comes from, through all its causes', () => {
  const cause = new OnggiError('denied', 'inner', { cause: 'text' });
  const text = renderFailure(new OnggiError('internal', 'outer', { cause }), true);
  assert.match(
    text,
    /^onggi: outer\n.*OnggiError: outer\n +at .*\ncaused by .*OnggiError: inner\n.*\ncaused by text\n$/s,
  );
  const cyclic = new Error('cyclic');
  cyclic.cause = cyclic;
  assert.match(renderFailure(cyclic, true), /internal error: cyclic/);
});

test('a failure of the cleanup hides no other', () => {
  const both = new SuppressedError(new OnggiError('denied', 'cleanup'), new OnggiError('invalid', 'work'));
  assert.match(renderFailure(both, true), /while handling OnggiError: work\ncaused by .*OnggiError: cleanup/s);
});

test('exit statuses of the table win over that of the command', () => {
  const run = { failure: 125, tellsOfCommand: true };
  assert.equal(exitStatus(new OnggiError('not-found', ''), run), 125);
  assert.equal(exitStatus(new OnggiError('not-executable', ''), run), 126);
  assert.equal(exitStatus(new Error(''), run), 125);
});

test('what can’t be executed is 1 for a command that does not tell of it', () => {
  for (const code of ['not-executable', 'command-not-found', 'missing-on-host'] as const) {
    assert.equal(exitStatus(new OnggiError(code, ''), {}), 1);
  }
  assert.equal(exitStatus(new OnggiError('cancelled', ''), {}), 130);
});
