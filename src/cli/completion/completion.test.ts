import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { globalFlags } from '../program.ts';
import { commands } from '../table.ts';
import { runFake } from '../testing.ts';
import { completionModel } from './load.ts';
import { flagValues } from './model.ts';

const directory = mkdtempSync(join(tmpdir(), 'onggi-completion-'));
after(() => rmSync(directory, { recursive: true }));

// Stands for onggi in the scripts' way to ask for names.
writeFileSync(
  join(directory, 'onggi'),
  '#!/bin/sh\ncase "$*" in ps\\ -a*) printf "web\\ndb\\n" ;; *container:*) echo container:web ;; ps*) echo web ;; images*) echo alpine:3.20 ;; *) echo data ;; esac\n',
  { mode: 0o755 },
);

/** How each shell is asked what may come last on a line. `$0` is the script, the other arguments are the words. */
const shells = {
  bash: [
    ...['bash', '--norc', '-c'],
    'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _onggi; printf "%s\\n" "${COMPREPLY[@]}"',
  ],
  zsh: [
    ...['zsh', '-f', '-c'],
    // The functions of compsys are those of an interactive shell; here they print what they are given.
    `compdef() { :; }; _files() { print FILES; }
     _describe() { [[ $1 == -o ]] && shift; print -rl -- \${(P)2}; }
     source "$0"; words=("$@"); CURRENT=$#; _onggi`,
  ],
  fish: ['fish', '--no-config', '-c', 'source $argv[1]; complete -C "$argv[2..]"'],
} as const;

type Shell = keyof typeof shells;

function isThere(shell: Shell): boolean {
  try {
    execFileSync(shell, ['-c', 'true']);
    return true;
  } catch {
    return false;
  }
}

for (const shell of Object.keys(shells) as Shell[]) {
  test(`${shell} completes`, { skip: isThere(shell) ? false : `needs ${shell}` }, async () => {
    const script = join(directory, shell);
    writeFileSync(script, (await runFake(['completion', shell])).stdout);
    const [command, ...args] = shells[shell];
    const env = { PATH: `${directory}:${process.env['PATH']}`, HOME: directory };
    const offered = (...words: string[]): string[] => {
      const text = execFileSync(command, [...args, script, ...words], { env, encoding: 'utf8' });
      const all = text.split('\n').map(shell === 'zsh' ? beforeColon : beforeTab);
      const typed = words.at(-1) ?? '';
      return all.filter((word) => word !== '' && word.startsWith(typed)).sort();
    };
    assert.ok(offered('onggi', '').includes('run'));
    assert.ok(!offered('onggi', '').includes('reconcile'));
    assert.ok(offered('onggi', '').includes('container'));
    assert.ok(offered('onggi', 'container', '').includes('inspect'));
    assert.ok(offered('onggi', 'run', '--net').includes('--network'));
    assert.ok(offered('onggi', 'container', 'run', '--net').includes('--network'));
    assert.ok(offered('onggi', 'run', '').includes('alpine:3.20'));
    assert.deepEqual(
      ['web', 'db'].filter((name) => !offered('onggi', 'rm', '').includes(name)),
      [],
    );
    assert.ok(!offered('onggi', 'exec', '').includes('db'), 'only what runs takes a command');
    assert.ok(offered('onggi', 'run', '--network', '').includes('bridge'));
    assert.ok(!offered('onggi', 'run', '--network', '').includes('alpine:3.20'));
    assert.ok(offered('onggi', 'run', '--volumes-from', '').includes('db'));
    assert.ok(offered('onggi', 'run', '--network', 'cont').includes('container:web'));
    assert.ok(offered('onggi', 'run', '-v', '').includes('data'));
    assert.deepEqual(offered('onggi', 'completion', 'z'), ['zsh']);
    assert.ok(offered('onggi', 'inspect', '').includes('data'), 'objects of every kind');
    assert.ok(offered('onggi', 'run', '-it', '--rm', '-w', '/x', '--name=a', 'a').includes('alpine:3.20'));
    for (const before of [
      ['run', '--workdir'],
      ['inspect', '--type'],
      ['run', '-it', '--name', 'a', 'alpine:3.20'],
      ['container', 'run', '-e', 'A=1', 'alpine:3.20', 'ls'],
      ['exec', 'web'],
    ]) {
      const names = ['alpine:3.20', 'db', 'web', '--env', '--rm'];
      // Fish offers flags wherever a word begins with a dash.
      const dashes = shell === 'fish' && before.at(-1)?.startsWith('--') ? [] : ['--'];
      const wrong = ['', ...dashes].flatMap((typed) => offered('onggi', ...before, typed));
      assert.deepEqual(
        wrong.filter((word) => names.includes(word)),
        [],
        before.join(' '),
      );
    }
  });
}

test('bash takes what it has cut at "=" and ":" together', {
  skip: isThere('bash') ? false : 'needs bash',
}, async () => {
  const script = join(directory, 'bash');
  writeFileSync(script, (await runFake(['completion', 'bash'])).stdout);
  const [command, ...args] = shells.bash;
  const env = { PATH: `${directory}:${process.env['PATH']}`, HOME: directory };
  const offered = (...words: string[]): string =>
    execFileSync(command, [...args, script, 'onggi', ...words], { env, encoding: 'utf8' }).trim();
  assert.equal(offered('run', '--network', '=', 'br'), 'bridge');
  assert.match(offered('run', '--network', '='), /^bridge\nhost\nnone\ncontainer:web$/);
  assert.equal(offered('run', '--network', 'container', ':', 'w'), 'web');
  assert.equal(offered('run', '--pid', '=', 'container', ':'), 'web');
  assert.equal(offered('run', '-it', 'alpine', ':', '3'), '3.20');
  assert.equal(offered('run', '--name', '=', 'x', 'alpi'), 'alpine:3.20');
});

test('the scripts know every command and flag', async () => {
  for (const shell of Object.keys(shells)) {
    const { stdout } = await runFake(['completion', shell]);
    for (const entry of commands.filter(({ group }) => group !== 'internal')) {
      const { command } = await entry.load();
      for (const name of Object.keys(command.flags)) assert.ok(stdout.includes(name), `${shell}: --${name}`);
      for (const name of entry.names) assert.ok(stdout.includes(name.split(' ').at(-1) ?? ''), `${shell}: ${name}`);
    }
    assert.doesNotMatch(stdout, /reconcile/);
  }
});

test('a flag whose values are known takes a value somewhere', async () => {
  const model = await completionModel(globalFlags);
  const flags = [...model.globalFlags, ...model.commands.flatMap((command) => command.flags)];
  for (const name of Object.keys(flagValues)) {
    assert.ok(
      flags.some((flag) => flag.name === name && flag.value !== undefined),
      `no command has --${name}`,
    );
  }
});

/** What fish offers, without its description. */
function beforeTab(line: string): string {
  return line.replace(/\t.*/, '');
}

/** What _describe of zsh is given, without its description; a colon of the word itself is marked. */
function beforeColon(line: string): string {
  return line.replace(/(?<!\\):.*/, '').replaceAll('\\:', ':');
}
