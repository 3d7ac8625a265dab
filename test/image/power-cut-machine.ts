/**
 * A disk whose power can be cut: run in a mount namespace of its own by power-cut.test.ts. The store lies on an ext4 in a
 * file on a btrfs; a clone of that file is what the disk would hold if the power went at that moment, with all that was
 * not written out missing. Prints one JSON line: what was wrong with the clones.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
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

/** A registry with an image of two layers, on a store of its own that no power cut reaches. */
async function serve(): Promise<Disposable & { readonly image: string }> {
  const root = join(scratch, 'memory/registry');
  run(root, ['import', '-', 'base'], archive(7));
  const { text } = run(root, ['create', '--name', 'layer', 'base', 'x']);
  writeFileSync(join(root, 'containers', text.trim(), 'upper/more'), 'more'.repeat(100_000));
  run(root, ['commit', 'layer', 'app']);
  const server = spawn(onggi, ['--root', root, 'registry', 'serve', '--images', '--address', '127.0.0.1:0']);
  const [, address = ''] = await new Promise<RegExpMatchArray>((resolve, failed) => {
    let said = '';
    server.on('close', () => failed(new Error(`registry: ${said}`)));
    server.stdout.setEncoding('utf8').on('data', (more: string) => {
      said += more;
      const found = /http:\/\/(\S+)\n/.exec(said);
      if (found !== null) resolve(found);
    });
  });
  return { image: `${address}/library/app`, [Symbol.dispose]: () => void server.kill() };
}

/** A container that has changed something, without ever having run. */
function changedContainer(image: string): void {
  const root = join(scratch, 'disk/s');
  const { text } = run(root, ['create', '--name', 'changed', image, 'x']);
  for (let index = 0; index < 100; index++) {
    writeFileSync(join(root, 'containers', text.trim(), `upper/new${index}`), `${index} `.repeat(1000));
  }
}

/** The store on a clone must open, be whole, and do all the work again. */
function problemsOf(cut: string, image: string): string[] {
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
    expect(['pull', '-q', image]);
    expect(['create', '--name', 'again', image, 'x']);
    expect(['commit', 'again', 'four']);
    expect(['system', 'check']);
    expect(['container', 'prune', '-f']);
    expect(['system', 'prune', '-af']);
    for (const directory of ['layers', 'blobs/sha256', 'containers', 'tmp']) {
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
  using registry = await serve();
  sh('truncate -s 400M outer.img && mkfs.btrfs -q outer.img && mount -o loop outer.img outer');
  sh('truncate -s 64M outer/disk.img && mkfs.ext4 -q outer/disk.img && mount -o loop outer/disk.img disk');
  for (const [index, name] of names.entries()) await cuts(['import', '-', name], archive(index));
  await cuts(['pull', registry.image], null);
  changedContainer(registry.image);
  await cuts(['commit', 'changed', 'four'], null);
  run(join(scratch, 'disk/s'), ['rm', 'changed']);
  await cuts(['rmi', 'one', 'three'], null);
  await cuts(['system', 'prune', '-af'], null);
  sh('umount disk');
  const all = readdirSync(join(scratch, 'outer')).filter((name) => name.startsWith('cut-'));
  // Some moments of each command: looking at one takes half a second.
  const chosen = all.filter(() => random(all.length) < 4);
  const problems = chosen.flatMap((cut) => problemsOf(cut, registry.image));
  sh('umount outer; umount -l memory');
  console.log(JSON.stringify({ cuts: all.length, looked: chosen.length, problems }));
}

await main();
