/** What the virtual machine boots from: a small initrd that loads modules, and an ext4 disk with the checkout. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { repository } from '../harness/busybox-image.ts';
import type { Module } from './module.ts';
import { addPolicy } from './selinux-policy.ts';
import { addSystem } from './system-root.ts';

/** Where the checkout lies in the guest. */
export const guestRepository = '/onggi';
export const guestNode = '/usr/bin/node';

const busybox = '/bin/busybox';
/** Where it lies here, and in the guest: another runtime, for --runtime; a file system with quotas of its own. */
const programs = { '/usr/bin/crun': '/usr/bin/crun', '/sbin/mkfs.xfs': '/usr/sbin/mkfs.xfs' } as const;

/** Writes the initrd: busybox, the modules in order, and the script that goes on to the disk. */
export function makeInitrd(path: string, stage: string, modules: readonly Module[]): void {
  for (const directory of ['bin', 'dev', 'disk', 'modules', 'proc'])
    mkdirSync(join(stage, directory), { recursive: true });
  cpSync(busybox, join(stage, 'bin/busybox'));
  for (const applet of ['sh', 'mount', 'umount', 'insmod', 'switch_root', 'sleep'])
    symlinkSync('busybox', join(stage, 'bin', applet));
  modules.forEach(({ name, bytes }, index) => {
    writeFileSync(join(stage, 'modules', `${String(index).padStart(3, '0')}-${name}.ko`), bytes);
  });
  install(join(import.meta.dirname, 'initrd.sh'), join(stage, 'init'));
  must('bash', ['-c', 'cd "$1" && find . | cpio --quiet -o -H newc -R 0:0 >"$2"', '--', stage, path]);
}

/**
 * Writes the disk: busybox for the guest's shell, node with its libraries, and the parts of the checkout that tests use.
 *
 * @param asked programs of this machine that the tests call besides, by absolute paths
 */
export function makeDisk(path: string, stage: string, guestCommand: string, asked: readonly string[]): void {
  const directories = ['bin', 'dev', 'etc', 'proc', 'root', 'run', 'sys', 'tmp', 'usr/bin', 'var/tmp'];
  for (const directory of directories) mkdirSync(join(stage, directory), { recursive: true });
  cpSync(busybox, join(stage, 'bin/busybox'));
  for (const applet of spawnSync(busybox, ['--list'], { encoding: 'utf8' }).stdout.trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(stage, 'bin', applet));
  }
  writeFileSync(join(stage, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(stage, 'etc/group'), 'root:x:0:\n');
  writeFileSync(join(stage, 'etc/resolv.conf'), 'nameserver 127.0.0.1\n');
  install(process.execPath, join(stage, guestNode));
  for (const [here, there] of Object.entries(programs)) install(here, join(stage, there));
  for (const program of asked) install(program, join(stage, program));
  const linked = [process.execPath, ...Object.keys(programs), ...asked, ...binaries()];
  for (const library of librariesOf(linked)) install(library, join(stage, library));
  emitJavaScript(join(stage, guestRepository));
  for (const part of ['dist', 'package.json', 'node_modules/valibot']) {
    const target = join(stage, guestRepository, part);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(repository, part), target, { recursive: true, verbatimSymlinks: true });
  }
  rmSync(join(stage, guestRepository, 'dist/lib'), { recursive: true, force: true });
  writeFileSync(join(stage, 'command'), guestCommand);
  addSystem(stage);
  addPolicy(stage);
  rmSync(path, { force: true });
  // 1 GiB, sparse; the tests' own stores lie in memory.
  must('mke2fs', [
    '-q',
    '-t',
    'ext4',
    '-O',
    'quota,project',
    '-E',
    'quotatype=prjquota',
    '-m',
    '0',
    '-d',
    stage,
    path,
    '1G',
  ]);
}

/**
 * Node takes the types out of TypeScript by WebAssembly, and V8's WebAssembly does not stand the emulation: a third of
 * the starts ended with SIGSEGV, SIGTRAP or a failed check. So the guest gets JavaScript.
 */
function emitJavaScript(directory: string): void {
  const tsc = join(repository, 'node_modules/.bin/tsc');
  must(tsc, [
    '--project',
    join(repository, 'tsconfig.json'),
    '--noEmit',
    'false',
    '--rootDir',
    repository,
    '--outDir',
    directory,
  ]);
}

function binaries(): string[] {
  return ['dist/onggi', 'dist/onggi.node'].map((path) => join(repository, path)).filter((path) => existsSync(path));
}

/** Shared libraries with the dynamic loader, as absolute paths (ldd(1)). */
function librariesOf(programs: readonly string[]): Set<string> {
  const listing = programs.map((path) => spawnSync('ldd', [path], { encoding: 'utf8' }).stdout).join('\n');
  return new Set([...listing.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? ''));
}

function install(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, readFileSync(source));
  chmodSync(target, 0o755);
}

function must(command: string, args: readonly string[]): void {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env['PATH']}:/sbin:/usr/sbin` },
  });
  if (result.status !== 0) throw new Error(`${command} ${relative(repository, args.at(-1) ?? '')}: ${result.stderr}`);
}
