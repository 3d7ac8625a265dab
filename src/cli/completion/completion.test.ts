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
  '#!/bin/sh\ncase "$*" in ps\\ -a*) printf "web\\ndb\\n" ;; ps*) echo web ;; images*) echo alpine:3.20 ;; *) echo data ;; esac\n',
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
  });
}

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

test('a flag whose values are known takes a value wherever it occurs, and does occur', async () => {
  const model = await completionModel(globalFlags);
  const flags = [...model.globalFlags, ...model.commands.flatMap((command) => command.flags)];
  for (const name of Object.keys(flagValues)) {
    const own = flags.filter((flag) => flag.name === name);
    assert.ok(own.length > 0, `no command has --${name}`);
    for (const { value } of own) assert.notEqual(value, undefined, `--${name} is a switch somewhere`);
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
