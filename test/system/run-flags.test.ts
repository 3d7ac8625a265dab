/**
 * Every flag of `run`, by the table of run-flag-rows/: a good case whose effect the container or the kernel shows. The
 * bad ones: run-flags-refused.test.ts. How a row is added: run-flag-rows/row.ts.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { command } from '../../src/cli/commands/run.ts';
import { eventually } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { inspect } from './container-view.ts';
import { writeRowFiles } from './run-flag-rows/life.ts';
import type { Row, Seen } from './run-flag-rows/row.ts';
import { containers, rows } from './run-flag-rows/table.ts';

function isSeen(row: Row): row is Seen {
  return 'words' in row;
}

const groups = Map.groupBy(rows.filter(isSeen), ({ container = 'plain' }) => container);

for (const [name, group] of groups) {
  const needs = [...new Set(group.flatMap((row) => row.needs ?? []))];
  systemTest(`seen in the container "${name}": ${group.map(({ flag }) => flag).join(', ')}`, needs, async (world) => {
    const directory = placeFor(world);
    const words = group.flatMap((row) => row.words.map((word) => word.replaceAll('$DIR', directory)));
    const base = containers[name] ?? ['--network', 'none'];
    const script = [...group.map(look), 'echo "@@end"', 'httpd -p 81 -h /www 2>/dev/null', waiting].join('\n');
    const id = await world.ok(['run', '-d', ...base, ...words, world.image, 'sh', '-c', script]);
    await eventually('it has looked', async () => /^@@end/m.test(await world.ok(['logs', id])));
    const printed = (await world.ok(['logs', id])).replaceAll('\r', '');
    const { State } = await inspect(world, id);
    for (const row of group) {
      if (row.shows !== undefined) assert.match(section(printed, row.flag), row.shows, `--${row.flag}`);
    }
    // In their order: one that stops the container comes last.
    const outside = group.toSorted((a, b) => Number(a.flag === 'stop-signal') - Number(b.flag === 'stop-signal'));
    for (const row of outside) await row.outside?.(world, { id, pid: State.Pid, directory });
    await world.ok(['rm', '-fv', id]);
    await world.onggi(['volume', 'rm', 'rowdata']);
  });
}

const tried = rows.filter((row) => 'tried' in row);

systemTest('done by themselves', [...new Set(tried.flatMap((row) => row.needs ?? []))], async (world) => {
  const directory = placeFor(world);
  for (const row of tried) await row.tried(world, directory);
});

function placeFor(world: World): string {
  const directory = `${world.scratch}/rows`;
  mkdirSync(directory);
  writeRowFiles(directory);
  return directory;
}

/** The shell line of a row, its output marked. */
function look({ flag, inside }: Seen): string {
  return inside === undefined ? '' : `echo "@@${flag}"; ( ${inside} ) 2>&1`;
}

const waiting = `trap 'echo stopped by USR1; exit 7' USR1; while :; do sleep 1000 & wait; done`;

function section(printed: string, flag: string): string {
  const [, text = ''] = new RegExp(`^@@${flag}\\n(.*?)\\n?(?=^@@)`, 'ms').exec(printed) ?? [];
  return text.trimEnd();
}

systemTest('an empty value is as if the flag were not there', [], async (world) => {
  const names = Object.entries(command.flags).flatMap(([name, flag]) =>
    flag.kind === 'single' && flag.emptyIsAbsent === true ? [name] : [],
  );
  assert.ok(names.includes('platform') && names.includes('cidfile') && names.includes('pid'));
  const words = names.flatMap((name) => [`--${name}`, '']);
  assert.equal(await world.ok(['run', '--rm', '--network', 'none', ...words, world.image, 'echo', 'ran']), 'ran');
});
