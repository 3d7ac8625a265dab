/** Flags of `run` about the process, who it is and what it may do. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../harness/program.ts';
import { binary } from '../../harness/system-test.ts';
import { badSwitch, type Row } from './row.ts';

export const processRows: readonly Row[] = [
  {
    flag: 'cap-add',
    words: ['--cap-add', 'SYS_TIME'],
    inside: 'grep CapBnd /proc/self/status',
    shows: /00000000aa04...b$/,
    bad: [['--cap-add', 'FLY'], /capability "FLY": no such capability/],
  },
  {
    flag: 'cap-drop',
    words: ['--cap-drop', 'NET_RAW'],
    inside: 'grep CapBnd /proc/self/status',
    shows: /00000000aa0405fb$/,
    bad: [['--cap-drop', 'FLY'], /capability "FLY": no such capability/],
  },
  {
    flag: 'preserve-fds',
    tried: async (world, directory) => {
      const file = join(directory, 'preserved');
      writeFileSync(file, 'kept');
      const script = '"$@" --preserve-fds 2 "$IMAGE" sh -c "cat <&4" 3</dev/null 4<"$FILE"';
      const line = [binary, '--root', world.root, 'run', '--rm', '--network', 'none'];
      const env = { IMAGE: world.image, FILE: file };
      const { stdout, stderr } = await run('sh', ['-c', script, '--', ...line], { env });
      assert.equal(stdout, 'kept', stderr);
    },
    bad: [['--preserve-fds', '30'], /--preserve-fds 30: descriptor \d+ is not open/],
  },
  {
    flag: 'entrypoint',
    tried: async (world) => {
      const line = ['run', '--rm', '--network', 'none', '--entrypoint', '/bin/echo', world.image];
      assert.equal(await world.ok([...line, 'a', 'b']), 'a b');
    },
    bad: [['--entrypoint'], /flag needs an argument: --entrypoint/],
  },
  {
    flag: 'env',
    words: ['-e', 'ROW=of flags', '-e', 'OVER=flag'],
    inside: 'echo "$ROW"',
    shows: /^of flags$/,
    bad: [['-e', '=x'], /invalid environment variable: =x/],
  },
  {
    flag: 'env-file',
    words: ['--env-file', '$DIR/environment'],
    inside: 'echo "$OF_FILE $OVER"',
    shows: /^"x y" flag$/,
    bad: [['--env-file', '/nowhere'], /read '\/nowhere'/],
  },
  {
    flag: 'group-add',
    words: ['--group-add', 'staff', '--group-add', '77'],
    inside: 'id -G',
    shows: /^0 50 77$/,
    bad: [['--group-add'], /flag needs an argument: --group-add/],
  },
  {
    flag: 'init',
    container: 'second',
    words: ['--init'],
    inside: 'echo $$; cat /proc/1/comm',
    shows: /^(?!1\n)\d+\nonggi-init$/,
    bad: badSwitch('init'),
  },
  {
    flag: 'init-path',
    tried: async (world, directory) => {
      const path = join(directory, 'init');
      writeFileSync(path, '#!/bin/sh\necho "init $$ $1"\nshift\nexec "$@"\n', { mode: 0o755 });
      const words = ['run', '--rm', '--network', 'none', '--init', '--init-path', path, world.image];
      assert.equal(await world.ok([...words, 'cat', '/proc/1/comm']), 'init 1 --\ncat');
    },
    bad: [['--init', '--init-path', '/etc/passwd/x'], /container-init binary "\/etc\/passwd\/x": not found/],
  },
  {
    flag: 'privileged',
    container: 'privileged',
    words: ['--privileged'],
    inside: 'grep -E "CapBnd|Seccomp:" /proc/self/status; touch /proc/sys/kernel/domainname && echo open',
    shows: /^CapBnd:\t000001f[0-9a-f]{9}\nSeccomp:\t0\nopen$/,
    bad: badSwitch('privileged'),
  },
  {
    flag: 'security-opt',
    words: ['--security-opt', 'no-new-privileges', '--security-opt', 'mask=/www'],
    inside: 'grep NoNewPrivs /proc/self/status; ls /www',
    shows: /^NoNewPrivs:\t1$/,
    bad: [['--security-opt', 'no-such-thing'], /no-such-thing/],
  },
  {
    flag: 'user',
    container: 'second',
    words: ['-u', 'app:staff'],
    inside: 'id -u; id -g',
    shows: /^1000\n50$/,
    bad: [['-u'], /flag needs an argument: 'u' in -u/],
  },
  {
    flag: 'workdir',
    words: ['-w', '/made/here'],
    inside: 'echo "$START"; pwd',
    shows: /\/made\/here$/,
    bad: [['-w', 'relative'], /relative/],
  },
  {
    flag: 'secret',
    tried: async (world) => {
      await world.ok(['secret', 'create', 'row', '-'], { input: 'said' });
      const words = ['--network', 'none', '--secret', 'row,mode=400', world.image];
      const seen = await world.ok([
        'run',
        '--rm',
        ...words,
        'sh',
        '-c',
        'cat /run/secrets/row; stat -c %a /run/secrets/row',
      ]);
      assert.equal(seen, 'said400');
      await world.ok(['secret', 'rm', 'row']);
    },
    bad: [['--secret', 'row,type=file'], /secret type 'file': there are mount and env/],
  },
];
