/** Peak memory of bringing a layer in, which must not grow with the layer. */
import { spawn } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tarHeader } from '../src/image/testing.ts';
import { pause } from '../test/harness/program.ts';
import { binary } from '../test/harness/system-test.ts';
import { ours, type Row } from './table.ts';

const size = 1024 ** 3;

export async function layerMemoryRow(scratch: string): Promise<Row> {
  console.error('measuring: memory of a layer of 1 GiB');
  const archive = join(scratch, 'gigabyte.tar');
  // Holes read as zeros, so making it costs nothing.
  writeFileSync(archive, tarHeader({ name: 'zeros' }, size));
  truncateSync(archive, 512 + size);
  appendFileSync(archive, Buffer.alloc(1024));
  const root = join(scratch, 'gigabyte');
  const peak = await peakMemory([binary, '--root', root, 'import', archive, 'gigabyte']);
  for (const path of [archive, root]) rmSync(path, { recursive: true });
  return {
    title: 'peak memory of importing a layer of 1 GiB, all processes',
    unit: 'kB',
    values: new Map([[ours, peak]]),
    targets: [{ value: 200_000 }],
  };
}

/** Of the process and its children, each at its own peak. @returns kB of 1000 bytes @throws Error when it fails */
async function peakMemory([program = '', ...words]: readonly string[]): Promise<number> {
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const peaks = new Map<string, number>();
  while (child.exitCode === null && child.signalCode === null) {
    for (const pid of familyOf(child.pid ?? 0)) peaks.set(pid, Math.max(peaks.get(pid) ?? 0, peakOf(pid)));
    await pause(5);
  }
  if ((await ended) !== 0) throw new Error(`${program} ${words.join(' ')} failed`);
  return [...peaks.values()].reduce((sum, peak) => sum + peak, 0);
}

function familyOf(pid: number): string[] {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && field(name, 'PPid') === pid);
  return [String(pid), ...children];
}

/** The kernel keeps the highest value itself (proc(5), VmHWM). */
function peakOf(pid: string): number {
  return ((field(pid, 'VmHWM') ?? 0) * 1024) / 1000;
}

function field(pid: string, name: string): number | undefined {
  try {
    const text = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return text === undefined ? undefined : Number(text);
  } catch {
    // Gone meanwhile.
    return undefined;
  }
}
