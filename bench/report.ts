/** Writes the figures into BENCHMARKS.md, between its two marks. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { repository } from '../test/harness/busybox-image.ts';

const [begin, end] = ['<!-- figures: written by make bench -->', '<!-- end of figures -->'];

export function writeFigures(table: string, versions: ReadonlyMap<string, string>): void {
  const path = join(repository, 'BENCHMARKS.md');
  const text = readFileSync(path, 'utf8');
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`"${path}" lacks the marks "${begin}" and "${end}"`);
  writeFileSync(path, `${before}${begin}\n\n${table}\n\n${machine()}\n${releases(versions)}\n\n${end}${after}`);
}

/** What figures depend on, and nothing that names the machine. */
export function machine(): string {
  const [first] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const month = new Date().toISOString().slice(0, 7);
  return `Measured ${month} on ${cpus().length} x ${first?.model.trim() ?? 'unknown CPU'}, ${memory} GiB, Linux ${release().split('-')[0]}.`;
}

function releases(versions: ReadonlyMap<string, string>): string {
  return `Releases: ${[...versions].map(([name, version]) => `${name} ${version}`).join(', ')}.`;
}
