/** Runs one bundle under one runtime and gathers what was to be seen. */
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { encodeSpec } from '../../src/oci/runtime-json.ts';
import { probePath } from '../harness/busybox-image.ts';
import { eventually, type Running, start } from '../harness/program.ts';
import type { Bundle, Place } from './bundle.ts';
import { namespacesOf, openView, type View } from './place.ts';
import type { Seen } from './view.ts';

const limit = { timeout: 20_000 };

/** Somebody else than root, who calls the runtime and whose the bundle is. */
export type Caller = {
  readonly uid: number;
  readonly argv: (words: readonly string[]) => readonly [string, ...string[]];
};

/** @param runtime path of its executable */
export async function runBundle(bundle: Bundle, runtime: string, place: Place, caller?: Caller): Promise<Seen> {
  layOut(bundle, place);
  await using view = await openView(bundle.setup ?? '', place.bundle);
  const root = join(place.bundle, 'state');
  const command = (...args: readonly string[]) => {
    const words = [runtime, '--root', root, ...args];
    return caller === undefined ? words : caller.argv(words);
  };
  if (caller !== undefined) await view.run(['chown', '-R', '-h', `${caller.uid}:${caller.uid}`, place.bundle]);
  const life = bundle.life ?? 'run';
  const seen = await (life === 'run'
    ? runOnce(view, command, place)
    : liveThrough(view, command, place, life === 'console'));
  const host = namespacesOf(`/proc/${view.pid}/ns`);
  return { ...seen, host, hooks: linesOf(join(place.bundle, 'log/hooks')), left: leftOf(join(place.bundle, 'rootfs')) };
}

type Command = (...args: readonly string[]) => readonly string[];
type Shown = Pick<Seen, 'exit' | 'report' | 'stderr' | 'states'>;

async function runOnce(view: View, command: Command, place: Place): Promise<Shown> {
  const ended = await view.run(command('run', '--bundle', place.bundle, place.id), limit);
  return { exit: ended.status, report: ended.stdout, stderr: ended.stderr, states: {} };
}

/** The state documents are those after create and after the end; after delete there must be none. */
async function liveThrough(view: View, command: Command, place: Place, console: boolean): Promise<Shown> {
  const socket = join(place.bundle, 'console');
  const terminal = console ? await openConsole(socket) : undefined;
  const flags = console ? ['--console-socket', socket] : [];
  const create = view.start(command('create', '--bundle', place.bundle, ...flags, place.id), limit);
  create.child.stdin?.end();
  const status = await new Promise<number | null>((resolve) => create.child.once('exit', resolve));
  if (status !== 0) {
    await view.run(command('delete', '--force', place.id), limit);
    terminal?.child.kill();
    return { exit: status, report: '', stderr: (await create.outcome).stderr, states: {} };
  }
  const state = async () => (await view.run(command('state', place.id), limit)).stdout;
  const created = await state();
  const started = await view.run(command('start', place.id), limit);
  // The container has the pipes of `create`: they close when it has ended.
  const ended = await (terminal ?? create).outcome;
  await eventually(`${place.id} has stopped`, async () => /"stopped"/.test(await state()));
  const stopped = await state();
  const removed = await view.run(command('delete', place.id), limit);
  const gone = (await view.run(command('state', place.id), limit)).status;
  return {
    exit: started.status || removed.status || (gone === 0 ? 99 : 0),
    report: ended.stdout.replace('listening\n', ''),
    stderr: started.stderr + removed.stderr + (await create.outcome).stderr,
    states: { created, stopped },
  };
}

async function openConsole(socket: string): Promise<Running> {
  const terminal = start('python3', [join(import.meta.dirname, 'console.py'), socket], limit);
  await terminal.printed(/listening/);
  return terminal;
}

/** A root file system as small as can be: the probe, a mark for hooks, the directories that images have. */
function layOut(bundle: Bundle, place: Place): void {
  rmSync(place.bundle, { recursive: true, force: true });
  const root = join(place.bundle, 'rootfs');
  for (const directory of ['dev', 'etc', 'proc', 'sys', 'tmp']) mkdirSync(join(root, directory), { recursive: true });
  mkdirSync(join(place.bundle, 'log'));
  copyFileSync(probePath, join(root, 'onggi-probe'));
  writeFileSync(join(root, '.onggi-rootfs'), '');
  writeFileSync(join(place.bundle, 'config.json'), encodeSpec(bundle.spec(place)));
}

function leftOf(root: string): Record<string, string> {
  const left: Record<string, string> = {};
  const walk = (path: string) => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const inside = `${path}/${name}`;
      const stat = lstatSync(join(root, inside));
      const mode = (stat.mode & 0o7777).toString(8);
      if (stat.isSymbolicLink()) left[inside] = `link ${readlinkSync(join(root, inside))}`;
      else left[inside] = `${stat.isDirectory() ? 'directory' : stat.isFile() ? 'file' : 'other'} ${mode} ${stat.uid}`;
      if (stat.isDirectory()) walk(inside);
    }
  };
  walk('');
  return left;
}

function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
}
