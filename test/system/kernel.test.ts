import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  cpSync,
  openSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { type Addon, addon } from '../../src/kernel/addon.ts';
import { openDirectory } from '../../src/kernel/directory.ts';
import {
  createFile,
  makeNode,
  makeSymbolicLink,
  setEntryAttribute,
  setEntryOwner,
  statEntry,
} from '../../src/kernel/directory-entry.ts';
import { readHead, scratchFile } from '../../src/kernel/memory-file.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { eventually } from '../harness/program.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';

function spawnAndWait(calls: Addon, ...program: Parameters<Addon['spawn']>): number {
  return calls.waitProcess(calls.spawn(...program));
}

/** Its offset is 0. */
function fileWith(name: string, text: string) {
  const file = scratchFile(name);
  writeSync(file.fd, text, 0);
  return file;
}

// Other tests look for what is left on the machine: our processes are not theirs.
before(lockMachine);

const errno = (expected: string) => (error: unknown) => Reflect.get(Object(error), 'code') === expected;
const { O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = constants;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** A program of its own: a copy of busybox that nobody else executes. */
function program(directory: string): string {
  const path = join(directory, 'program');
  cpSync('/bin/busybox', path);
  chmodSync(path, 0o755);
  return path;
}

/** Starts `program sleep` by a sealed descriptor, away from us as the shim goes away. */
function startSealed(executable: number): number {
  using output = scratchFile('pid');
  const script = 'busybox sleep 60 & echo $!';
  const status = spawnAndWait(
    addon(),
    executable,
    ['busybox', 'sh', '-c', script],
    [],
    [output.fd, output.fd, output.fd],
  );
  const text = readHead(output, 4096).toString();
  assert.equal(status, 0, text);
  return Number(text);
}

test(
  'a program that was started sealed is never opened for writing (CVE-2019-5736)',
  requires('root', 'busybox'),
  async () => {
    await using scratch = makeScratch();
    const path = program(scratch.path);
    const original = readFileSync(path);
    const calls = addon();
    const executable = calls.sealedExecutable(path);
    // busybox forks itself for the applet, so the process that stays has the same /proc/PID/exe.
    const pid = startSealed(executable);
    calls.close(executable);
    const exe = `/proc/${pid}/exe`;
    assert.deepEqual([statSync(exe).dev, statSync(exe).ino], [statSync(path).dev, statSync(path).ino], 'the same file');
    for (const flags of [O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC, O_WRONLY | O_TRUNC]) {
      assert.throws(() => openSync(exe, flags), errnoIn('EROFS', 'ETXTBSY'), `flags ${flags} while it runs`);
    }
    // The attack waits until nobody executes the file any more, and then opens what it has held.
    const held = openSync(exe, O_PATH);
    const reading = openSync(exe, O_RDONLY);
    process.kill(pid, 'SIGKILL');
    await eventually('the program has ended', () => !isThere(`/proc/${pid}/exe`));
    for (const fd of [held, reading]) {
      for (const flags of [O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC]) {
        assert.throws(() => openSync(`/proc/self/fd/${fd}`, flags), errno('EROFS'), `flags ${flags} after its end`);
      }
      assert.throws(() => chmodSync(`/proc/self/fd/${fd}`, 0o777), errno('EROFS'));
      closeSync(fd);
    }
    assert.deepEqual(readFileSync(path), original);
    // The judge is judged: by its own path the same file can be written.
    closeSync(openSync(path, O_WRONLY));
  },
);

function errnoIn(...expected: string[]): (error: unknown) => boolean {
  return (error) => expected.some((word) => errno(word)(error));
}

function isThere(path: string): boolean {
  try {
    readlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

test('without the privilege to clone mounts, a sealed copy is executed', requires('root', 'busybox'), async () => {
  await using scratch = makeScratch();
  const path = program(scratch.path);
  const script = join(scratch.path, 'copy.ts');
  const source = join(import.meta.dirname, '../../src/kernel/addon.ts');
  writeFileSync(
    script,
    `import { openSync, readlinkSync, writeSync, constants } from 'node:fs';
import { addon } from ${JSON.stringify(source)};
const fd = addon().sealedExecutable(${JSON.stringify(path)});
const words = [readlinkSync('/proc/self/fd/' + fd)];
words.push(String(addon().waitProcess(addon().spawn(fd, ['busybox', 'true'], [], []))));
// As the owner of all files it may be opened; it is the seal that counts.
try { writeSync(openSync('/proc/self/fd/' + fd, constants.O_RDWR), 'x'); words.push('written'); }
catch (error) { words.push(error.code); }
console.log(words.join(' '));`,
  );
  const result = spawnSync('setpriv', ['--bounding-set=-sys_admin', process.execPath, script], { encoding: 'utf8' });
  assert.equal(result.stdout, '/memfd:onggi (deleted) 0 EPERM\n', result.stderr);
});

test('a child has exactly the descriptors and the environment that it was given', requires('busybox'), () => {
  using plan = fileWith('plan', 'the plan');
  using output = scratchFile('output');
  const stray = openSync('/etc/passwd', O_RDONLY);
  const calls = addon();
  const executable = calls.sealedExecutable('/bin/busybox');
  const script = [
    'cat <&3; echo',
    'for f in /proc/$$/fd/*; do [ -e $f ] && echo ${f##*/}; done',
    'xargs -0 -n 1 echo </proc/$$/environ; echo end',
    'exit 7',
  ].join('; ');
  const fds = [plan.fd, output.fd, output.fd, plan.fd];
  const status = spawnAndWait(calls, executable, ['busybox', 'sh', '-c', script], ['ONLY=this'], fds);
  calls.close(executable);
  closeSync(stray);
  const lines = readHead(output, 65536).toString().split('\n');
  assert.equal(status, 7 << 8, lines.join('\n'));
  assert.equal(lines[0], 'the plan');
  // What the shell opened to list the directory is closed again when it looks.
  assert.deepEqual(
    lines.slice(1).filter((line) => /^\d+$/.test(line)),
    ['0', '1', '2', '3'],
  );
  assert.deepEqual(lines.slice(lines.indexOf('ONLY=this'), lines.indexOf('end')), ['ONLY=this']);
  assert.equal(lines.indexOf('ONLY=this'), 5);
});

test('a child starts with default signals and none blocked', requires('busybox'), () => {
  using output = scratchFile('output');
  const calls = addon();
  const executable = calls.sealedExecutable('/bin/busybox');
  const argv = ['busybox', 'grep', 'Sig', '/proc/self/status'];
  assert.equal(spawnAndWait(calls, executable, argv, [], [output.fd, output.fd, output.fd]), 0);
  calls.close(executable);
  const text = readHead(output, 4096).toString();
  const mask = (name: string): bigint => BigInt(`0x${new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(text)?.[1]}`);
  assert.equal(mask('SigBlk'), 0n);
  // libc keeps two real-time signals to itself (32, 33); the shim resets these.
  assert.equal(mask('SigIgn') & ~0x180000000n, 0n);
});

test('descriptors in any order and repeated arrive where they belong', requires('busybox'), () => {
  using a = fileWith('a', 'A');
  using b = fileWith('b', 'B');
  using output = scratchFile('output');
  const calls = addon();
  const executable = calls.sealedExecutable('/bin/busybox');
  // Low numbers of ours as sources of other low numbers: none may be overwritten before it is used.
  const fds = [a.fd, output.fd, output.fd, 0, b.fd, 1, a.fd, 2];
  const status = spawnAndWait(
    calls,
    executable,
    ['busybox', 'sh', '-c', `for f in 0 4 6 3 5 7; do readlink /proc/$$/fd/$f; done`],
    [],
    fds,
  );
  calls.close(executable);
  const links = readHead(output, 65536).toString().trim().split('\n');
  assert.equal(status, 0, links.join());
  const own = (fd: number): string => readlinkSync(`/proc/self/fd/${fd}`);
  assert.deepEqual(links, ['/memfd:a (deleted)', '/memfd:b (deleted)', '/memfd:a (deleted)', own(0), own(1), own(2)]);
});

test('the head of a file, wherever its offset is', () => {
  using file = fileWith('file', 'plan');
  assert.equal(readHead(file, 100).toString(), 'plan');
  assert.equal(readHead(file, 2).toString(), 'pl');
});

test('owners, devices and attributes of entries', requires('root', 'python3'), async () => {
  await using scratch = makeScratch();
  using root = openDirectory(scratch.path);
  createFile(root, 'file', 0o600)[Symbol.dispose]();
  setEntryOwner(root, 'file', 1234, 2 ** 32 - 2);
  assert.deepEqual([statEntry(root, 'file')?.uid, statEntry(root, 'file')?.gid], [1234, 2 ** 32 - 2]);
  makeNode(root, 'null', 'character', 0o666, [1, 3]);
  assert.equal(statEntry(root, 'null')?.rdev, 0x103);
  const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
  setEntryAttribute(root, 'file', 'security.capability', capability);
  assert.deepEqual(attributes(join(scratch.path, 'file')), { 'security.capability': capability.toString('hex') });
  // A link's own attribute, not its target's.
  makeSymbolicLink(root, 'link', 'file');
  setEntryAttribute(root, 'link', 'trusted.onggi', Buffer.from('x'));
  assert.deepEqual(attributes(join(scratch.path, 'link')), { 'trusted.onggi': '78' });
  assert.deepEqual(Object.keys(attributes(join(scratch.path, 'file'))), ['security.capability']);
});

/** Extended attributes of an entry, in hexadecimal, as somebody else reads them. */
function attributes(path: string): Record<string, string> {
  const script =
    'import json, os, sys; p = sys.argv[1]; ' +
    'print(json.dumps({a: os.getxattr(p, a, follow_symlinks=False).hex() for a in os.listxattr(p, follow_symlinks=False)}))';
  const result = spawnSync('python3', ['-c', script, path], { encoding: 'utf8' });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
}

test('a descriptor of the addon is close-on-exec', () => {
  const calls = addon();
  const fds = [
    calls.sealedExecutable('/bin/sh'),
    calls.memory('x'),
    calls.openat2(-100, '/', O_RDONLY, 0, 0),
    calls.netlinkOpen(0),
    calls.pidfdOpen(process.pid),
  ];
  for (const fd of fds) {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
    assert.notEqual(Number.parseInt(flags ?? '0', 8) & O_CLOEXEC, 0, readlinkSync(`/proc/self/fd/${fd}`));
    calls.close(fd);
  }
});

test('arguments of a wrong kind are refused before the kernel sees them', () => {
  const calls = addon() as unknown as Record<string, (...args: unknown[]) => unknown>;
  const wrong: readonly (readonly [string, ...unknown[]])[] = [
    ['close', '1'],
    ['close', -1],
    ['close', 1.5],
    ['close', Number.NaN],
    ['close', 2 ** 31],
    ['openat2', -1, '/', 0, 0, 0],
    ['openat2', -100, 7, 0, 0, 0],
    ['openat2', -100, 'a\0b', 0, 0, 0],
    ['openat2', -100, '/', -1, 0, 0],
    ['openat2', -100, '/', 0, 0o1000000, 0],
    ['writeAll', 1, 'text'],
    ['writeAll', 1, new Uint16Array(2)],
    ['spawn', 1, 'argv', [], []],
    ['spawn', 1, ['a\0b'], [], []],
    ['spawn', 1, [], [], [-1]],
    ['flock', 1, 'exclusive', 1],
    ['flockWait', 1, 'exclusive', undefined],
    ['utimensat', -100, '/', 2 ** 53, 0, 0, 0],
    ['chownat', -100, '/', 2 ** 32, 0],
    ['writeAll', 1, null],
  ];
  for (const [name, ...args] of wrong) {
    assert.throws(() => calls[name]?.(...args), { code: 'ERR_INVALID_ARG_TYPE' }, `${name} ${String(args)}`);
  }
  assert.throws(() => calls['close']?.(), { code: 'ERR_MISSING_ARGS' });
  assert.throws(() => calls['close']?.(1, 2), { code: 'ERR_MISSING_ARGS' });
  assert.throws(() => calls['flock']?.(1, 'sometimes', true), { code: 'EINVAL', errno: 22, syscall: 'flock' });
});

test('the addon has every call of its surface and no other', () => {
  const surface = readFileSync(join(import.meta.dirname, '../../src/kernel/addon-surface.ts'), 'utf8');
  const declared = [...surface.matchAll(/^ {2}([a-zA-Z0-9]+)\(/gm)].map(([, name]) => name);
  assert.ok(declared.length > 20);
  assert.deepEqual(Object.keys(addon()).sort(), declared.sort());
});
