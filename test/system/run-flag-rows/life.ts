/** Flags of `run` about the container as a thing: its name, its labels, its beginning and end, its streams. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually } from '../../harness/program.ts';
import { binary, type World } from '../../harness/system-test.ts';
import { openTerminal } from '../../harness/terminal.ts';
import { badSwitch, type Row } from './row.ts';

const line = ['run', '--rm', '--network', 'none'];

async function field(world: World, id: string, template: string): Promise<string> {
  return await world.ok(['inspect', '-f', template, id]);
}

export const lifeRows: readonly Row[] = [
  {
    flag: 'annotation',
    words: ['--annotation', 'com.example.row=1'],
    outside: async (world, { id }) => {
      const config = readFileSync(`${world.root}/containers/${id}/config.json`, 'utf8');
      assert.equal(JSON.parse(config).annotations['com.example.row'], '1');
    },
    bad: [['--annotation', '=x'], /invalid label '=x'/],
  },
  {
    flag: 'attach',
    tried: async (world) => {
      const { stdout, stderr } = await world.onggi([
        ...line,
        '-a',
        'stderr',
        world.image,
        'sh',
        '-c',
        'echo o; echo e >&2',
      ]);
      assert.deepEqual([stdout, stderr], ['', 'e\n']);
      // The input that -i asks for comes without being named.
      const read = await world.onggi([...line, '-i', '-a', 'stdout', world.image, 'cat'], { input: 'typed' });
      assert.equal(read.stdout, 'typed');
    },
    bad: [['-a', 'stdlog'], /invalid stream: 'stdlog'/],
  },
  {
    flag: 'cidfile',
    words: ['--cidfile', '$DIR/cid'],
    outside: async (_, { id, directory }) => assert.equal(readFileSync(`${directory}/cid`, 'utf8'), id),
    bad: [['--cidfile', '/etc/passwd'], /container ID file found: '\/etc\/passwd'/],
  },
  {
    flag: 'detach',
    words: ['-d'],
    outside: async (_, { pid }) => assert.ok(existsSync(`/proc/${pid}`)),
    bad: badSwitch('detach'),
  },
  {
    flag: 'detach-keys',
    needs: ['python3'],
    tried: async (world) => {
      const words = [
        'run',
        '-it',
        '--name',
        'left',
        '--network',
        'none',
        '--detach-keys',
        'ctrl-x,y',
        world.image,
        'cat',
      ];
      await using terminal = openTerminal(binary, ['--root', world.root, ...words]);
      terminal.type('a\r');
      await terminal.expect(/a\r\na\r\n/);
      terminal.type('\x18y');
      assert.equal(await terminal.exit, 0);
      assert.equal(await field(world, 'left', '{{.State.Running}}'), 'true');
    },
    bad: [['--detach-keys', 'ctrl-'], /invalid argument "ctrl-" for "--detach-keys" flag/],
  },
  { flag: 'disable-content-trust', refused: ['--disable-content-trust=false'] },
  {
    flag: 'explain',
    tried: async (world) => {
      assert.match(await world.ok(['run', '--explain', '--name', 'shown', world.image, 'true']), /execute/);
      assert.equal(await world.ok(['ps', '-aq', '--filter', 'name=shown']), '');
    },
    bad: badSwitch('explain'),
  },
  {
    flag: 'interactive',
    tried: async (world) => {
      assert.equal(await world.ok([...line, '-i', world.image, 'cat'], { input: 'typed\n' }), 'typed');
    },
    bad: badSwitch('interactive'),
  },
  {
    flag: 'isolation',
    words: ['--isolation', 'default'],
    inside: 'echo $$',
    shows: /^1$/,
    bad: [['--isolation', 'hyperv'], /invalid isolation: 'hyperv'/],
  },
  {
    flag: 'label',
    words: ['-l', 'row.flag=1', '-l', 'row.both=flag'],
    outside: async (world, { id }) => {
      assert.equal(await world.ok(['ps', '-q', '--no-trunc', '--filter', 'label=row.flag=1']), id);
    },
    bad: [['-l', 'two words=x'], /label 'two words' contains whitespaces/],
  },
  {
    flag: 'label-file',
    words: ['--label-file', '$DIR/labels'],
    outside: async (world, { id }) => {
      const wanted = ['--filter', 'label=row.file=two words', '--filter', 'label=row.both=flag'];
      assert.equal(await world.ok(['ps', '-q', '--no-trunc', ...wanted]), id);
    },
    bad: [['--label-file', '/nowhere'], /read '\/nowhere'/],
  },
  {
    flag: 'log-opt',
    tried: async (world) => {
      const words = [
        'run',
        '--name',
        'talker',
        '--network',
        'none',
        '--log-opt',
        'max-size=1k',
        '--log-opt',
        'max-file=2',
      ];
      await world.ok([...words, world.image, 'sh', '-c', 'seq 500']);
      const lines = (await world.ok(['logs', 'talker'])).split('\n');
      assert.ok(lines.length < 100 && lines.at(-1) === '500', `${lines.length} lines are left`);
    },
    bad: [['--log-opt', 'max-size=x'], /max-size|invalid size/],
  },
  {
    flag: 'name',
    words: ['--name', 'row_name.1'],
    outside: async (world, { id }) => assert.equal(await field(world, 'row_name.1', '{{.Id}}'), id),
    bad: [['--name', '-x/y'], /Invalid container name \(-x\/y\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\]/],
  },
  {
    flag: 'platform',
    words: ['--platform', `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`],
    inside: 'uname -s',
    shows: /^Linux$/,
    bad: [['--platform', 'no/such/platform/at/all'], /platform/],
  },
  {
    flag: 'pull',
    words: ['--pull', 'never'],
    inside: 'true && echo here',
    shows: /^here$/,
    bad: [['--pull', 'sometimes'], /invalid pull option: 'sometimes': must be one of/],
  },
  {
    flag: 'quiet',
    words: ['-q'],
    inside: 'echo here',
    shows: /^here$/,
    bad: badSwitch('quiet'),
  },
  {
    flag: 'restart',
    tried: async (world) => {
      await world.ok([
        'run',
        '-d',
        '--name',
        'again',
        '--network',
        'none',
        '--restart',
        'on-failure:1',
        world.image,
        'false',
      ]);
      await eventually('it was started again', async () => {
        return (await field(world, 'again', '{{.RestartCount}} {{.State.Status}}')) === '1 exited';
      });
    },
    bad: [['--restart', 'always', '--rm'], /conflicting options: cannot specify both --restart and --rm/],
  },
  {
    flag: 'rm',
    tried: async (world) => {
      await world.ok([...line, '--name', 'gone', world.image, 'true']);
      assert.equal(await world.ok(['ps', '-aq', '--filter', 'name=gone']), '');
    },
    bad: badSwitch('rm'),
  },
  {
    flag: 'sig-proxy',
    tried: async (world) => {
      const running = world.start([
        ...line,
        '--sig-proxy=false',
        '--name',
        'deaf',
        world.image,
        'onggi-probe',
        'trap',
        '15',
      ]);
      await eventually('it runs', async () => (await world.ok(['ps', '-q', '--filter', 'name=deaf'])) !== '');
      running.child.kill('SIGTERM');
      assert.equal((await running.outcome).signal, 'SIGTERM');
      assert.equal(await field(world, 'deaf', '{{.State.Running}}'), 'true');
      await world.ok(['rm', '-f', 'deaf']);
    },
    bad: badSwitch('sig-proxy'),
  },
  {
    flag: 'stop-signal',
    words: ['--stop-signal', 'USR1'],
    outside: async (world, { id }) => {
      await world.ok(['stop', id]);
      assert.match(await world.ok(['logs', id]), /^stopped by USR1$/m);
    },
    bad: [['--stop-signal', 'SIGNOTHING'], /SIGNOTHING/],
  },
  {
    flag: 'stop-timeout',
    words: ['--stop-timeout', '40'],
    outside: async (world, { id }) => assert.equal(await field(world, id, '{{.Config.StopTimeout}}'), '40'),
    bad: [['--stop-timeout', '-2'], /-2 is out of range, it must be at least -1/],
  },
  {
    flag: 'tty',
    container: 'second',
    words: ['-t'],
    inside: 'test -t 1; echo $?',
    shows: /^0$/,
    bad: badSwitch('tty'),
  },
  {
    flag: 'replace',
    tried: async (world) => {
      const before = await world.ok(['create', '--name', 'replaced', world.image, 'true']);
      const id = await world.ok(['create', '--replace', '--name', 'replaced', world.image, 'true']);
      assert.notEqual(id, before);
      assert.equal(await world.ok(['ps', '-aq', '--no-trunc', '--filter', 'name=replaced']), id);
      // What is wrong with the new one leaves the old one alone.
      for (const wrong of [
        ['-m', '1k'],
        ['--volumes-from', 'nobody'],
        ['--device', '/dev/nothing'],
      ]) {
        const words = ['create', '--replace', '--name', 'replaced', ...wrong, world.image, 'true'];
        assert.equal((await world.onggi(words)).status, 1);
        assert.equal(await field(world, 'replaced', '{{.Id}}'), id);
      }
      await world.ok(['rm', 'replaced']);
    },
    bad: [['--replace', '--name', ''], /cannot replace container without --name being set/],
  },
  {
    flag: 'requires',
    tried: async (world) => {
      const quiet = ['--network', 'none'];
      const first = await world.ok(['create', ...quiet, world.image, 'sleep', '1000']);
      await world.ok(['run', '--name', 'second', ...quiet, '--requires', first, world.image, 'true']);
      assert.equal(await world.ok(['inspect', '-f', '{{.State.Running}}', first]), 'true');
      await world.ok(['stop', '-t', '0', first]);
      for (const words of [['rm'], ['rm', '-f']]) {
        const { status, stderr } = await world.onggi([...words, first]);
        assert.match(stderr, /has dependent containers which must be removed before it: second/);
        assert.equal(status, 1);
      }
      // Podman's --depend takes those that require it along, and what requires them.
      await world.ok(['create', '--name', 'third', ...quiet, '--requires', 'second', world.image, 'true']);
      assert.equal(await world.ok(['rm', '--depend', first]), `third\nsecond\n${first}`);
      // Prune begins with the newest, and what a container that runs requires stays.
      quiet.push('--label', 'needed');
      await world.ok(['create', '--name', 'base', ...quiet, world.image, 'true']);
      await world.ok(['run', '-d', '--name', 'above', ...quiet, '--requires', 'base', world.image, 'sleep', '1000']);
      await world.ok(['create', '--name', 'loose', ...quiet, '--requires', 'above', world.image, 'true']);
      await world.ok(['container', 'prune', '-f', '--filter', 'label=needed']);
      const left = ['ps', '-a', '--filter', 'label=needed', '--format', '{{.Names}}'];
      assert.equal(await world.ok(left), 'above\nbase');
      await world.ok(['rm', '-f', 'above', 'base']);
    },
    bad: [['--requires', 'nobody'], /No such container: nobody/],
  },
];

/** Files that words name by `$DIR`. */
export function writeRowFiles(directory: string): void {
  writeFileSync(`${directory}/file`, 'of the host\n');
  writeFileSync(`${directory}/environment`, '# one a line\nOF_FILE="x y"\nOVER=file\n');
  writeFileSync(`${directory}/labels`, 'row.file=two words\nrow.both=file\n');
}
