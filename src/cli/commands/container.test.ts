import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepareEnd } from '../../engine/process-end.ts';
import type { ExecOptions, LogChunk, LogQuery } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import {
  containerId,
  ending,
  fakeCalls,
  fakeContainer,
  fakeImage,
  fakeSession,
  fakeTerminal,
  fakeVolume,
  fixedNow,
  notFound,
  runFake,
} from '../testing.ts';

test('rm of one that can’t go tries again when those before it on the line have gone', async () => {
  const there = new Set(['needy', 'base']);
  const remove = async (ref: string) => {
    if (ref === 'base' && there.has('needy')) throw new OnggiError('conflict', 'base is needed');
    await new Promise(setImmediate);
    there.delete(ref);
    return [];
  };
  const removed = await runFake(['rm', 'needy', 'base'], { engine: { containers: { remove } } });
  assert.deepEqual([removed.status, removed.stdout, removed.stderr], [0, 'needy\nbase\n', '']);
  there.add('needy').add('base');
  const refused = await runFake(['rm', 'base', 'needy'], { engine: { containers: { remove } } });
  assert.deepEqual([refused.status, refused.stdout, refused.stderr], [1, 'needy\n', 'onggi: base is needed\n']);
});

test('commands on several containers do what they can and report the rest', async () => {
  const { calls, record } = fakeCalls();
  const act = (name: string) =>
    record(name, (ref) => {
      if (ref === 'bad') throw notFound(ref);
    });
  const containers = {
    stop: act('stop'),
    kill: act('kill'),
    remove: record('rm', () => ['needy']),
    start: act('start'),
    restart: act('restart'),
    wait: record('wait', () => 3),
  };
  const stopped = await runFake(['stop', '-t', '2', '-s', 'SIGINT', 'a', 'bad', 'b'], { engine: { containers } });
  assert.deepEqual([stopped.status, stopped.stdout, stopped.stderr], [1, 'a\nb\n', 'onggi: No such container: bad\n']);
  await runFake(['stop', '--time=5', 'a'], { engine: { containers } });
  assert.equal((await runFake(['restart', '-t', '0', 'a'], { engine: { containers } })).stdout, 'a\n');
  await runFake(['kill', '-s', 'HUP', 'a'], { engine: { containers } });
  await runFake(['kill', 'a'], { engine: { containers } });
  assert.equal((await runFake(['rm', '-fv', '--depend', 'a'], { engine: { containers } })).stdout, 'needy\na\n');
  assert.equal((await runFake(['wait', 'a', 'b'], { engine: { containers } })).stdout, '3\n3\n');
  assert.equal((await runFake(['start', 'a'], { engine: { containers } })).stdout, 'a\n');
  assert.deepEqual(calls, [
    'stop a {"signal":"SIGINT","timeout":2}',
    'stop bad {"signal":"SIGINT","timeout":2}',
    'stop b {"signal":"SIGINT","timeout":2}',
    'stop a {"timeout":5}',
    'restart a {"timeout":0}',
    'kill a "HUP"',
    'kill a ',
    'rm a {"force":true,"volumes":true,"depend":true}',
    'wait a',
    'wait b',
    'start a {}',
  ]);
});

test('rm -f of what is gone is no failure, other errors are', async () => {
  const remove = async (ref: string) => {
    throw ref === 'busy' ? new OnggiError('conflict', 'busy') : notFound(ref);
  };
  const engine = { containers: { remove } };
  assert.equal((await runFake(['rm', 'x'], { engine })).status, 1);
  const forced = await runFake(['rm', '-f', 'x'], { engine });
  assert.deepEqual([forced.status, forced.stderr], [0, 'onggi: No such container: x\n']);
  assert.equal((await runFake(['rm', '-f', 'x', 'busy'], { engine })).status, 1);
});

test('many containers are stopped side by side, within limits', async () => {
  let running = 0;
  let most = 0;
  const stop = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running -= 1;
  };
  const refs = Array.from({ length: 200 }, (_, i) => `c${i}`);
  const { stdout } = await runFake(['stop', ...refs], { engine: { containers: { stop } } });
  assert.equal(stdout, `${refs.join('\n')}\n`);
  assert.ok(most > 1 && most <= 64, String(most));
});

test('logs goes where it came from, with the time if wanted', async () => {
  const queries: LogQuery[] = [];
  async function* logBytes(_: string, query?: LogQuery): AsyncIterable<readonly LogChunk[]> {
    queries.push(query ?? {});
    yield [
      { stream: 'stdout', bytes: Buffer.from('out\n') },
      { stream: 'stderr', bytes: Buffer.from('err\n') },
    ];
  }
  const engine = { containers: { logBytes } };
  const plain = await runFake(['logs', 'web'], { engine });
  assert.deepEqual([plain.stdout, plain.stderr], ['out\n', 'err\n']);
  await runFake(['logs', '-ft', '-n', '5', '--since', '10m', '--until', '1763715600', 'web'], { engine });
  await runFake(['logs', '--tail', 'all', 'web'], { engine });
  await runFake(['logs', '--tail=-1', 'web'], { engine });
  assert.deepEqual(queries, [
    { follow: false, timestamps: false },
    { follow: true, timestamps: true, tail: 5, since: fixedNow - 600_000, until: 1763715600_000 },
    { follow: false, timestamps: false },
    { follow: false, timestamps: false },
  ]);
  assert.equal((await runFake(['logs', '--tail', 'x', 'web'], { engine })).status, 125);
  assert.equal((await runFake(['logs', '--since', 'x', 'web'], { engine })).status, 1);
});

test('exec', async () => {
  const asked: ExecOptions[] = [];
  const session = fakeSession((it) => it.end(5));
  const containers = {
    exec: async (_: string, options: ExecOptions) => {
      asked.push(options);
      return session;
    },
    execDetached: async (_: string, options: ExecOptions) => {
      asked.push(options);
    },
  };
  const argv = ['exec', '-it', '-e', 'A=1', '-e', 'B', '-u', 'me', '-w', '/w', '--privileged', 'web', 'ls', '-l'];
  const ran = await runFake(argv, { engine: { containers }, terminal: fakeTerminal, env: { B: '2' } });
  assert.equal(ran.status, 5);
  await runFake(['exec', '-dt', 'web', 'true'], { engine: { containers } });
  assert.deepEqual(asked, [
    {
      command: ['ls', '-l'],
      env: ['A=1', 'B=2'],
      terminal: true,
      stdin: true,
      privileged: true,
      waiting: prepareEnd,
      user: 'me',
      workingDir: '/w',
      consoleSize: fakeTerminal,
    },
    { command: ['true'], env: [], terminal: true, stdin: false, privileged: false },
  ]);
});

test('attach and start -a follow what the container was made with', async () => {
  const attached: unknown[] = [];
  const get = async (ref: string) => fakeContainer({ terminal: ref === 'tty', stdin: ref !== 'deaf' });
  const open = (name: string) => async (ref: string, options?: { readonly stdin?: boolean }) => {
    attached.push([name, ref, options?.stdin]);
    return fakeSession((it) => it.end(9));
  };
  const world = { engine: { containers: { get, attach: open('attach'), startAttached: open('start') } } };
  assert.equal((await runFake(['attach', 'web'], world)).status, 9);
  await runFake(['attach', '--no-stdin', 'tty'], world);
  await runFake(['attach', 'deaf'], world);
  await runFake(['start', '-a', 'web'], world);
  await runFake(['start', '-ai', 'web'], world);
  await runFake(['start', '-i', 'deaf'], world);
  assert.deepEqual(attached, [
    ['attach', 'web', true],
    ['attach', 'tty', false],
    ['attach', 'deaf', false],
    ['start', 'web', false],
    ['start', 'web', true],
    ['start', 'deaf', false],
  ]);
  const piped = await runFake(['attach', 'tty'], world);
  assert.deepEqual([piped.status, piped.stderr], [1, 'onggi: the input device is not a TTY\nLeave out -t, or -i.\n']);
});

test('inspect finds containers, then images, and reports what is neither', async () => {
  const record = { Id: containerId, State: { Running: true }, Config: { Labels: {} } };
  const engine = {
    containers: {
      inspect: async (ref: string) => {
        if (ref !== 'web') throw notFound(ref);
        return record;
      },
    },
    images: {
      inspect: async (ref: string) => {
        if (ref === 'A_B') throw new OnggiError('invalid', 'invalid reference format');
        if (ref !== 'alpine') throw new OnggiError('not-found', `No such image: ${ref}`);
        return { Id: fakeImage.id };
      },
    },
    networks: {
      inspect: async (ref: string) => {
        if (ref !== 'bridge') throw new OnggiError('not-found', `network ${ref} not found`);
        return { Name: 'bridge' };
      },
    },
    secrets: {
      get: async (ref: string) => {
        throw new OnggiError('not-found', `no such secret: ${ref}`);
      },
    },
    volumes: {
      get: async (ref: string) => {
        if (ref !== 'data') throw new OnggiError('not-found', `get ${ref}: no such volume`);
        return fakeVolume;
      },
    },
  };
  const run = async (...argv: string[]) => {
    const { status, stdout, stderr } = await runFake(argv, { engine });
    return [status, stdout, stderr];
  };
  assert.deepEqual(await run('inspect', 'web'), [0, `${JSON.stringify([record], null, 4)}\n`, '']);
  assert.deepEqual(await run('inspect', 'nosuch'), [1, '[]\n', 'onggi: No such object: nosuch\n']);
  assert.deepEqual(await run('inspect', 'A_B'), [1, '[]\n', 'onggi: No such object: A_B\n']);
  assert.deepEqual(await run('inspect', '-f', '{{.Id}}', 'nosuch', 'alpine', 'web'), [
    1,
    `${fakeImage.id}\n${containerId}\n`,
    'onggi: No such object: nosuch\n',
  ]);
  assert.deepEqual(await run('inspect', '-f', 'json', 'alpine'), [0, `[{"Id":"${fakeImage.id}"}]\n`, '']);
  assert.deepEqual(await run('container', 'inspect', 'alpine'), [1, '[]\n', 'onggi: No such container: alpine\n']);
  assert.deepEqual(await run('image', 'inspect', 'web'), [1, '[]\n', 'onggi: No such image: web\n']);
  assert.deepEqual(await run('inspect', '--type', 'image', 'web'), [1, '[]\n', 'onggi: No such image: web\n']);
  assert.deepEqual(await run('inspect', '-f', '{{.Name}} {{.Driver}}', 'data'), [0, 'data local\n', '']);
  assert.deepEqual(await run('volume', 'inspect', 'web'), [1, '[]\n', 'onggi: get web: no such volume\n']);
  assert.equal((await run('inspect', '--type', 'moon', 'web'))[0], 1);
  assert.deepEqual(await run('inspect', '--type', 'network', 'web'), [1, '[]\n', 'onggi: network web not found\n']);
  assert.deepEqual(await run('inspect', '-f', '{{.Foo}}', 'web'), [
    1,
    '',
    'onggi: template parsing error: map has no entry for key "Foo"\n',
  ]);
  assert.deepEqual(await run('inspect', '-f', '{{index .Config.Labels "x"}}|{{.State.Running}}', 'web'), [
    0,
    '|true\n',
    '',
  ]);
});

test('why prints its sentences and the last lines', async () => {
  const why = async () => ({
    container: fakeContainer(),
    ending: ending(137),
    sentences: ['It was killed.', 'By process 1.'],
    lastLines: [{ stream: 'stdout' as const, time: '', text: 'bye' }],
  });
  const { stdout } = await runFake(['why', 'web'], { engine: { containers: { why } } });
  assert.equal(stdout, 'It was killed.\nBy process 1.\nLast lines of its log:\n  bye\n');
});

test('reconcile is for the shim', async () => {
  const ids: unknown[] = [];
  const reconcile = async (ref?: string) => {
    ids.push(ref);
  };
  assert.equal((await runFake(['reconcile', containerId], { engine: { reconcile } })).status, 0);
  await runFake(['reconcile'], { engine: { reconcile } });
  assert.deepEqual(ids, [containerId, undefined]);
});

test('detaching is told by attach and exec, and is no failure of run and start', async () => {
  const open = async () => fakeSession();
  const engine = {
    images: { exists: async () => true },
    containers: {
      get: async () => fakeContainer({ terminal: true, stdin: true }),
      attach: open,
      startAttached: open,
      exec: open,
      run: async () => ({ id: containerId, session: await open() }),
    },
  };
  const world = { engine, terminal: fakeTerminal, input: ['\x10\x11'] };
  for (const line of ['attach web', 'exec -it web sh']) {
    const { status, stderr } = await runFake(line.split(' '), world);
    assert.deepEqual([status, stderr], [1, 'read escape sequence\n'], line);
  }
  for (const line of ['start -ai web', 'run -it alpine']) {
    const { status, stderr } = await runFake(line.split(' '), world);
    assert.deepEqual([status, stderr], [0, ''], line);
  }
  const { stderr } = await runFake(['attach', '--detach-keys', 'ctrl-a', 'web'], { ...world, input: ['\x01'] });
  assert.equal(stderr, 'read escape sequence\n');
});

test('port says where a port of a running container is published', async () => {
  const ports = [
    { hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
    { hostIp: '127.0.0.1', hostPort: 53, containerPort: 53, protocol: 'udp' },
  ] as const;
  const print = (container: object, ...args: string[]) =>
    runFake(['port', 'web', ...args], {
      engine: { containers: { get: async () => fakeContainer({ ports, ...container }) } },
    });
  assert.equal((await print({})).stdout, '53/udp -> 127.0.0.1:53\n80/tcp -> 0.0.0.0:8080\n');
  assert.equal((await print({}, '80')).stdout, '0.0.0.0:8080\n');
  assert.equal((await print({}, '53/UDP')).stdout, '127.0.0.1:53\n');
  assert.equal((await print({ status: 'exited' })).stdout, '');
  const missing = await print({}, '53');
  assert.deepEqual([missing.status, missing.stderr], [1, "onggi: no public port '53' published for web\n"]);
  assert.match((await print({}, 'http')).stderr, /^onggi: 'http' is no port\n/);
});

test('diff prints a letter for each change, commit passes on what was asked', async () => {
  const changes = [
    { kind: 'added', path: '/a' },
    { kind: 'changed', path: '/c' },
    { kind: 'deleted', path: '/d' },
  ] as const;
  const asked: unknown[] = [];
  const containers = {
    diff: async () => [...changes],
    commit: async (...args: readonly unknown[]) => {
      asked.push(args);
      return { id: fakeImage.id };
    },
  };
  const run = (...argv: string[]) => runFake(argv, { engine: { containers } });
  assert.equal((await run('diff', 'web')).stdout, 'A /a\nC /c\nD /d\n');
  assert.equal((await run('commit', 'web')).stdout, `${fakeImage.id}\n`);
  await run('container', 'commit', '-a', 'me', '-m', 'why', '-c', 'CMD x', '-p=false', 'web', 'site:2');
  assert.deepEqual(asked, [
    ['web', null, { changes: [], pause: true }],
    ['web', 'site:2', { changes: ['CMD x'], pause: false, author: 'me', message: 'why' }],
  ]);
});

test('export writes to standard output, but not to a terminal', async () => {
  const containers = {
    async *export() {
      yield Buffer.from('tar');
    },
  };
  const engine = { containers };
  assert.equal((await runFake(['export', 'web'], { engine })).stdout, 'tar');
  const terminal = await runFake(['export', 'web'], { engine, terminal: fakeTerminal });
  assert.deepEqual([terminal.status, terminal.stdout], [1, '']);
  assert.match(terminal.stderr, /standard output is a terminal/);
});
