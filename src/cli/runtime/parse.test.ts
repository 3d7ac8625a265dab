import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asIs, list, single, toggle } from '../definition.ts';
import { integer } from '../value/number.ts';
import { parseFlags } from './parse.ts';

const flags = {
  force: toggle('force', { short: 'f' }),
  bundle: single('directory', asIs, 'bundle', { short: 'b' }),
  count: single('n', integer(0, 9), 'count'),
  env: list('NAME=value', asIs, 'env', { short: 'e' }),
} as const;

function parsed(...argv: string[]) {
  const outcome = parseFlags({ flags }, argv);
  assert.equal(outcome.type, 'parsed', JSON.stringify(outcome));
  return outcome.type === 'parsed' ? outcome : assert.fail();
}

test('one dash or two, a value after a blank or "="', () => {
  for (const argv of [
    ['-bundle', 'x'],
    ['--bundle', 'x'],
    ['-b', 'x'],
    ['--b', 'x'],
    ['-bundle=x'],
    ['--bundle=x'],
    ['-b=x'],
  ]) {
    assert.equal(parsed(...argv).flags.bundle, 'x', argv.join(' '));
  }
});

test('a switch takes its value only after "="', () => {
  assert.deepEqual(parsed('-f', 'false').args, ['false']);
  assert.equal(parsed('-f', 'false').flags.force, true);
  assert.equal(parsed('--force=false').flags.force, false);
  assert.equal(parsed('-f=T').flags.force, true);
});

test('values may look like flags, be empty or hold "="', () => {
  assert.equal(parsed('-b', '-f').flags.bundle, '-f');
  assert.equal(parsed('-b=').flags.bundle, '');
  assert.equal(parsed('-b=a=b').flags.bundle, 'a=b');
  assert.deepEqual(parsed('-e', 'A=1', '--env=B=2', '-e', 'C').flags.env, ['A=1', 'B=2', 'C']);
});

test('flags may follow positionals, unless the command says otherwise; -- ends them', () => {
  assert.deepEqual(parsed('id', '-f', 'KILL').args, ['id', 'KILL']);
  assert.deepEqual(parsed('id', '--', '-f').args, ['id', '-f']);
  assert.deepEqual(parsed('-').args, ['-']);
  const outcome = parseFlags({ flags, interspersed: false }, ['-f', 'id', 'sh', '-c', '-f']);
  assert.deepEqual(outcome.type === 'parsed' && outcome.args, ['id', 'sh', '-c', '-f']);
});

test('what was given is told apart from what is so by default', () => {
  assert.deepEqual([...parsed('--force=false', '-e', 'A').given], ['force', 'env']);
  assert.equal(parsed().flags.bundle, undefined);
});

test('help is asked for in four ways', () => {
  for (const word of ['-h', '--h', '-help', '--help']) assert.equal(parseFlags({ flags }, [word, '-x']).type, 'help');
});

for (const [argv, message] of [
  [['--bogus'], 'flag provided but not defined: -bogus'],
  [['-fb'], 'flag provided but not defined: -fb'],
  [['-bx'], 'flag provided but not defined: -bx'],
  [['-b'], 'flag needs an argument: -b'],
  [['--=x'], 'bad flag syntax: --=x'],
  [['---b'], 'bad flag syntax: ---b'],
  [['-f=maybe'], 'invalid value "maybe" for flag -f'],
  [['--count', '10'], 'invalid value "10" for flag -count'],
] as const) {
  test(`${argv.join(' ')} is refused by name`, () => {
    const outcome = parseFlags({ flags }, argv);
    assert.ok(outcome.type === 'problem' && outcome.message.startsWith(message), JSON.stringify(outcome));
  });
}
