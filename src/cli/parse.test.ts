import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asIs, list, single, toggle } from './definition.ts';
import { parseArguments } from './parse.ts';
import { integer } from './value/number.ts';

const grammar = {
  flags: {
    detach: toggle('', { short: 'd' }),
    interactive: toggle('', { short: 'i' }),
    tty: toggle('', { short: 't' }),
    'sig-proxy': toggle('', { initial: true }),
    publish: list('list', asIs, '', { short: 'p' }),
    env: list('list', asIs, '', { short: 'e' }),
    name: single('string', asIs, ''),
    network: single('string', asIs, '', { aliases: ['net'] }),
    time: single('int', integer(), '', { short: 'n' }),
    limit: single('int', integer(), '', { emptyIsAbsent: true }),
  },
  refused: {
    values: ['gpus', 'restart'],
    switches: ['publish-all'],
    shorts: { P: 'publish-all' },
    harmless: { restart: ['no'], 'publish-all': ['false'] },
  },
} as const;
const run = { ...grammar, interspersed: false } as const;

function changed(argv: readonly string[], rules: typeof grammar | typeof run = grammar): unknown {
  const outcome = parseArguments(rules, argv);
  if (outcome.type !== 'parsed') return outcome.type === 'help' ? 'help' : outcome.message;
  const flags = [...outcome.given].map((name) => [name, Reflect.get(outcome.flags, name)]);
  return { ...Object.fromEntries(flags), args: outcome.args };
}

const accepted: readonly [readonly string[], unknown][] = [
  [[], { args: [] }],
  [['-it', 'x'], { interactive: true, tty: true, args: ['x'] }],
  [
    ['-p8080:80', '-p', '1:2', '--publish=3:4', '--publish', '5:6'],
    { publish: ['8080:80', '1:2', '3:4', '5:6'], args: [] },
  ],
  [['-p=8080:80'], { publish: ['8080:80'], args: [] }],
  [['-itp80'], { interactive: true, tty: true, publish: ['80'], args: [] }],
  [['-itp', '80'], { interactive: true, tty: true, publish: ['80'], args: [] }],
  [['-e', 'A=b', '-eC=d', '-e', '-x'], { env: ['A=b', 'C=d', '-x'], args: [] }],
  [['--detach=false', '--sig-proxy=false'], { detach: false, 'sig-proxy': false, args: [] }],
  [['-d=false', '-t=T'], { detach: false, tty: true, args: [] }],
  [['--name', 'a', '--name', 'b'], { name: 'b', args: [] }],
  [['--name='], { name: '', args: [] }],
  [['--limit', '', '--limit', '2', 'x'], { limit: 2, args: ['x'] }],
  [['--limit', '2', '--limit='], { args: [] }],
  [['--name=a=b'], { name: 'a=b', args: [] }],
  [['--net', 'host'], { network: 'host', args: [] }],
  [['-n', '-1'], { time: -1, args: [] }],
  [['a', '-d', 'b'], { detach: true, args: ['a', 'b'] }],
  [['-d', '--', '-t', '--x'], { detach: true, args: ['-t', '--x'] }],
  [['-', 'a'], { args: ['-', 'a'] }],
  [['--restart', 'no', '--publish-all=false', 'x'], { args: ['x'] }],
];

test('the grammar of pflag', async (t) => {
  for (const [argv, expected] of accepted) {
    await t.test(argv.join(' '), () => assert.deepEqual(changed(argv), expected));
  }
});

test('the first positional ends the flags of run', () => {
  assert.deepEqual(changed(['-d', 'image', 'ls', '-t', '--name', 'x', '--'], run), {
    detach: true,
    args: ['image', 'ls', '-t', '--name', 'x', '--'],
  });
  assert.deepEqual(changed(['--', '-image', '-d'], run), { args: ['-image', '-d'] });
});

test('values that were not given have their initial value', () => {
  const outcome = parseArguments(grammar, []);
  assert.equal(outcome.type, 'parsed');
  assert.deepEqual(outcome.type === 'parsed' && { ...outcome.flags }, {
    detach: false,
    interactive: false,
    tty: false,
    'sig-proxy': true,
    publish: [],
    env: [],
    name: undefined,
    network: undefined,
    time: undefined,
    limit: undefined,
  });
});

const refused: readonly [readonly string[], string][] = [
  [['--foo'], 'unknown flag: --foo'],
  [['--foo=bar'], 'unknown flag: --foo'],
  [['-Z'], "unknown shorthand flag: 'Z' in -Z"],
  [['-itZ'], "unknown shorthand flag: 'Z' in -Z"],
  [['-dq1'], "unknown shorthand flag: 'q' in -q1"],
  [['--name'], 'flag needs an argument: --name'],
  [['-p'], "flag needs an argument: 'p' in -p"],
  [['-itp'], "flag needs an argument: 'p' in -p"],
  [['---x'], 'bad flag syntax: ---x'],
  [['--=x'], 'bad flag syntax: --=x'],
  [['--detach=maybe'], 'invalid argument "maybe" for "-d, --detach" flag: \'maybe\' is neither true nor false'],
  [['-n', 'x'], 'invalid argument "x" for "-n, --time" flag: \'x\' is not a whole number'],
  [['--gpus', 'all', 'x'], 'flag --gpus is not supported'],
  [['--gpus=all'], 'flag --gpus is not supported'],
  [['--restart', 'always'], 'flag --restart is not supported'],
  [['-P'], 'flag --publish-all is not supported'],
  [['-dP'], 'flag --publish-all is not supported'],
  // The value of a refused flag is not taken for a positional, so a mistake behind it is still found.
  [['--gpus', 'all', '--foo'], 'unknown flag: --foo'],
];

test('problems in the words of Docker', async (t) => {
  for (const [argv, message] of refused) await t.test(argv.join(' '), () => assert.equal(changed(argv), message));
});

test('help wins over what is refused, and what is wrong wins over help', () => {
  assert.equal(changed(['--help']), 'help');
  assert.equal(changed(['-h']), 'help');
  assert.equal(changed(['--gpus', 'all', '--help']), 'help');
  assert.equal(changed(['--help', '--foo']), 'unknown flag: --foo');
});

test('-h belongs to the command that has such a flag', () => {
  const outcome = parseArguments({ flags: { hostname: single('string', asIs, '', { short: 'h' }) } }, ['-h', 'box']);
  assert.equal(outcome.type === 'parsed' && outcome.flags.hostname, 'box');
});
