import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Accounts, namedColumns, processFacts } from './descriptor.ts';

/** proc(5): a name with blanks and a parenthesis, parent 96, terminal pts/3, 250 ticks of CPU, started at 1000 ticks. */
const stat = `97 (a) b (c) S 96 97 97 34819 97 4194560 131 0 0 0 150 100 0 0 20 5 1 0 1000 2322432 474 18446744073709551615`;
const status = `Name:\ta
Uid:\t100000\t101000\t100000\t100000
Gid:\t100000\t100050\t100000\t100000
NSpid:\t97\t1
NSpgid:\t97\t1
Groups:\t100050 100000
CapInh:\t0000000000000000
CapEff:\t0000000000000003
CapBnd:\t000001ffffffffff
Seccomp:\t2
`;
const facts = processFacts({ pid: 97, stat, status, cmdline: 'sh\0-c\0a b\0', label: 'docker-default\n' }, 60, 1e12);

const accounts: Accounts = {
  hostUser: (uid) => `host${uid}`,
  hostGroup: (gid) => `hostgroup${gid}`,
  user: (uid) => `user${uid - 100000}`,
  group: (gid) => `group${gid - 100000}`,
};

function shown(...words: string[]): string[] | undefined {
  return namedColumns(words)?.map(({ title, show }) => `${title}: ${show(facts, accounts)}`);
}

test('columns by name and by letter', () => {
  assert.deepEqual(shown('pid,hpid', 'user', '%U'), ['PID: 1', 'HPID: 97', 'USER: user1000', 'RUSER: user0']);
  assert.deepEqual(shown('args', 'comm'), ['COMMAND: sh -c a b', 'COMMAND: a) b (c']);
  assert.deepEqual(shown('etime,time,%C'), ['ELAPSED: 50s', 'TIME: 2s', '%CPU: 5.000']);
  assert.deepEqual(shown('tty', 'nice', 'state', 'pgid'), ['TTY: pts/3', 'NI: 5', 'STATE: S', 'PGID: 1']);
  assert.deepEqual(shown('capeff', 'capinh', 'capbnd'), [
    'EFFECTIVE CAPS: CHOWN,DAC_OVERRIDE',
    'INHERITED CAPS: none',
    'BOUNDING CAPS: full',
  ]);
  assert.deepEqual(shown('seccomp', 'label', 'vsz', 'rss'), [
    'SECCOMP: filter',
    'LABEL: docker-default',
    'VSZ: 2268',
    'RSS: 1896',
  ]);
  assert.deepEqual(shown('groups', 'hgroup', 'huser'), [
    'GROUPS: group50,group0',
    'HGROUP: hostgroup100050',
    'HUSER: host101000',
  ]);
});

test('words that are no columns are for ps', () => {
  for (const words of [[], ['-ef'], ['aux'], ['pid', '-e'], ['constructor'], [',']])
    assert.equal(namedColumns(words), undefined);
});

test('a process of the kernel has no command line', () => {
  const [column] = namedColumns(['args']) ?? [];
  assert.equal(column?.show({ ...facts, args: [], name: 'kthreadd' }, accounts), '[kthreadd]');
});
