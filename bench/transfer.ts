/** Saving, loading and copying images: seconds, so each is timed by itself, in turns, on a settled disk. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { binary } from '../test/harness/system-test.ts';
import { type Engine, installed, must } from './engine.ts';
import type { Command } from './hyperfine.ts';
import { images, makeLayout } from './image-fixture.ts';
import { median, type Row } from './table.ts';

const rounds = 3;

export function transferRows(engines: readonly Engine[], scratch: string): Row[] {
  console.error('making images to transfer');
  const layout = makeLayout(scratch);
  const clients = engines.flatMap(({ name, cli }): Command[] => (cli === undefined ? [] : [{ name, ...cli }]));
  return images.flatMap(({ name, title }) => {
    const archive = join(scratch, `${name}.tar`);
    // As `docker save` writes it: layers uncompressed.
    must([
      binary,
      'image',
      'copy',
      '-q',
      '--dest-decompress',
      `oci:${layout}:${name}`,
      `docker-archive:${archive}:${name}:1`,
    ]);
    const rows = [loadRow(clients, name, title, archive), saveRow(clients, name, title, scratch)];
    for (const client of clients) call(client, ['rmi', `${name}:1`]);
    rmSync(archive);
    return [...rows, copyRow(layout, name, title, scratch)];
  });
}

const half = ['docker', 'podman'].map((column) => ({ column, factor: 1 / 2 }));

function loadRow(clients: readonly Command[], name: string, title: string, archive: string): Row {
  console.error(`measuring: load, ${title}`);
  const values = inTurns(clients, (client, round) => {
    if (round > 0) call(client, ['rmi', `${name}:1`]);
    return () => call(client, ['load', '-q', '-i', archive]);
  });
  return { title: `load, ${title}`, unit: 'ms', values, targets: half };
}

function saveRow(clients: readonly Command[], name: string, title: string, scratch: string): Row {
  console.error(`measuring: save, ${title}`);
  const path = join(scratch, 'saved.tar');
  const values = inTurns(clients, (client) => {
    rmSync(path, { force: true });
    return () => call(client, ['save', '-o', path, `${name}:1`]);
  });
  rmSync(path, { force: true });
  return { title: `save, ${title}`, unit: 'ms', values, targets: half };
}

function copyRow(layout: string, name: string, title: string, scratch: string): Row {
  console.error(`measuring: image copy, ${title}`);
  const programs: Command[] = [{ name: 'onggi', argv: [binary, 'skopeo'] }];
  if (installed('skopeo')) programs.push({ name: 'skopeo', argv: ['skopeo'] });
  const to = join(scratch, 'copied');
  const values = inTurns(programs, (program) => {
    rmSync(to, { recursive: true, force: true });
    return () => call(program, ['--insecure-policy', 'copy', '-q', `oci:${layout}:${name}`, `oci:${to}:x`]);
  });
  rmSync(to, { recursive: true, force: true });
  return { title: `skopeo copy, ${title}`, unit: 'ms', values, targets: [{ column: 'skopeo', factor: 1 / 2 }] };
}

function call({ argv, env }: Command, words: readonly string[]): void {
  must([...argv, ...words], env);
}

/** @param prepare what is not timed; gives what is */
function inTurns(
  commands: readonly Command[],
  prepare: (command: Command, round: number) => () => void,
): Map<string, number> {
  const times = new Map<string, number[]>(commands.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const command of commands) {
      const work = prepare(command, round);
      for (let count = 0; count < 2; count += 1) spawnSync('sync');
      const start = performance.now();
      work();
      times.get(command.name)?.push(performance.now() - start);
    }
  }
  return new Map([...times].map(([name, all]) => [name, median(all)]));
}
