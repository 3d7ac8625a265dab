/**
 * A disk whose power can be cut: run in a mount namespace of its own by power-cut.test.ts. The store lies on an ext4 in a
 * file on a btrfs; a clone of that file is what the disk would hold if the power went at that moment, with all that was
 * not written out missing. Prints one JSON line: what was wrong with the clones.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { endMark, tarEntry } from '../../src/image/testing.ts';

const [, , scratch = '', onggi = '', seed = '1'] = process.argv;

function sh(command: string): void {
  const { status, stderr } = spawnSync('sh', ['-ec', command], { encoding: 'utf8', cwd: scratch });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
}

type Outcome = { readonly status: number | null; readonly text: string };

function run(root: string, args: readonly string[], input?: Buffer): Outcome {
  const { status, stdout, stderr } = spawnSync(onggi, ['--root', root, ...args], { encoding: 'utf8', input });
  return { status, text: stdout + stderr };
}

/** Numbers that are the same for the same seed (a linear congruential generator). */
let state = Number(seed);
function random(most: number): number {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
  return state % most;
}

/** A root file system of some hundred small files, another one for each number. */
function archive(number: number): Buffer {
  const entries = Array.from({ length: 300 }, (_, index) =>
    tarEntry({ name: `d${index % 7}/f${index}`, content: `${number} ${index} `.repeat(200) }),
  );
  return Buffer.concat([...entries, endMark]);
}

/** Starts a command on the disk and cuts the power at some moments until it has ended. */
async function cuts(args: readonly string[], input: Buffer | null): Promise<void> {
  const child = spawn(onggi, ['--root', join(scratch, 'disk/s'), ...args], { stdio: ['pipe', 'ignore', 'ignore'] });
  const ended = new Promise<boolean>((resolve) => child.on('close', () => resolve(true)));
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? undefined);
  for (;;) {
    const over = await Promise.race([ended, pause(random(40)).then(() => false)]);
    sh(`cp --reflink=always outer/disk.img outer/cut-${args[0]}-${readdirSync(join(scratch, 'outer')).length}.img`);
    if (over) return;
  }
}

const names = ['one', 'two', 'three'] as const;

/** The store on a clone must open, be whole, and do all the work again. */
function problemsOf(cut: string): string[] {
  const at = join(scratch, 'cut');
  const root = join(at, 's');
  const problems: string[] = [];
  // From memory: the second disk need not be slow.
  sh(`cp --sparse=always outer/${cut} memory/disk.img && mount -o loop memory/disk.img cut`);
  try {
    const expect = (args: readonly string[], input?: Buffer): void => {
      const { status, text } = run(root, args, input);
      if (status !== 0) problems.push(`${cut}: onggi ${args.join(' ')}: ${status}: ${text}`);
    };
    expect(['images']);
    expect(['system', 'check']);
    expect(['reconcile']);
    expect(['import', '-', 'one'], archive(0));
    expect(['import', '-', 'two'], archive(1));
    expect(['rmi', 'one']);
    expect(['system', 'prune', '-af']);
    for (const directory of ['layers', 'blobs/sha256', 'tmp']) {
      const left = readdirSync(join(root, directory));
      if (left.length > 0) problems.push(`${cut}: left in ${directory}: ${left.join(' ')}`);
    }
  } finally {
    sh('umount cut');
  }
  return problems;
}

async function main(): Promise<void> {
  for (const name of ['outer', 'disk', 'cut', 'memory']) mkdirSync(join(scratch, name));
  sh('mount -t tmpfs none memory');
  sh('truncate -s 400M outer.img && mkfs.btrfs -q outer.img && mount -o loop outer.img outer');
  sh('truncate -s 64M outer/disk.img && mkfs.ext4 -q outer/disk.img && mount -o loop outer/disk.img disk');
  for (const [index, name] of names.entries()) await cuts(['import', '-', name], archive(index));
  await cuts(['rmi', 'one', 'three'], null);
  await cuts(['system', 'prune', '-af'], null);
  sh('umount disk');
  const all = readdirSync(join(scratch, 'outer')).filter((name) => name.startsWith('cut-'));
  // Some moments of each command: looking at one takes half a second.
  const chosen = all.filter(() => random(all.length) < 4);
  const problems = chosen.flatMap(problemsOf);
  sh('umount outer memory');
  console.log(JSON.stringify({ cuts: all.length, looked: chosen.length, problems }));
}

await main();
