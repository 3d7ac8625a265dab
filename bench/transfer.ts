/** Saving, loading and copying images: seconds, so each is timed by itself, in turns, on a settled disk. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { binary } from '../test/harness/system-test.ts';
import { type Engine, installed, must } from './engine.ts';
import { attempt } from './group.ts';
import type { Command } from './hyperfine.ts';
import { images, makeLayout } from './image-fixture.ts';
import { registryRows } from './registry.ts';
import type { Row } from './table.ts';
import { call, half, inTurns } from './turns.ts';

export async function transferRows(engines: readonly Engine[], scratch: string): Promise<Row[]> {
  console.error('making images to transfer');
  const layout = makeLayout(scratch);
  const clients = engines.flatMap(({ name, cli }): Command[] => (cli === undefined ? [] : [{ name, ...cli }]));
  const rows: Row[] = [];
  for (const { name, title } of images) {
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
    rows.push(...(await attempt(`load, ${title}`, () => loadRow(clients, name, title, archive))));
    rows.push(...(await attempt(`save, ${title}`, () => saveRow(clients, name, title, scratch))));
    for (const client of clients) call(client, ['rmi', `${name}:1`]);
    rmSync(archive);
    rows.push(...(await attempt(`skopeo copy, ${title}`, () => copyRow(layout, name, title, scratch))));
  }
  return [...rows, ...(await attempt('pull and push', () => registryRows(clients, layout, scratch)))];
}

async function loadRow(clients: readonly Command[], name: string, title: string, archive: string): Promise<Row> {
  console.error(`measuring: load, ${title}`);
  const values = await inTurns(clients, (client, round) => {
    if (round > 0) call(client, ['rmi', `${name}:1`]);
    return () => call(client, ['load', '-q', '-i', archive]);
  });
  return { title: `load, ${title}`, unit: 'ms', values, targets: half };
}

async function saveRow(clients: readonly Command[], name: string, title: string, scratch: string): Promise<Row> {
  console.error(`measuring: save, ${title}`);
  const path = join(scratch, 'saved.tar');
  const values = await inTurns(clients, (client) => {
    rmSync(path, { force: true });
    return () => call(client, ['save', '-o', path, `${name}:1`]);
  });
  rmSync(path, { force: true });
  return { title: `save, ${title}`, unit: 'ms', values, targets: half };
}

async function copyRow(layout: string, name: string, title: string, scratch: string): Promise<Row> {
  console.error(`measuring: image copy, ${title}`);
  const programs: Command[] = [{ name: 'onggi', argv: [binary, 'skopeo'] }];
  if (installed('skopeo')) programs.push({ name: 'skopeo', argv: ['skopeo'] });
  const to = join(scratch, 'copied');
  const values = await inTurns(programs, (program) => {
    rmSync(to, { recursive: true, force: true });
    return () => call(program, ['--insecure-policy', 'copy', '-q', `oci:${layout}:${name}`, `oci:${to}:x`]);
  });
  rmSync(to, { recursive: true, force: true });
  return { title: `skopeo copy, ${title}`, unit: 'ms', values, targets: [{ column: 'skopeo', factor: 1 / 2 }] };
}
