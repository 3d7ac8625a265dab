/**
 * The test image: Debian's static busybox with all its applets, onggi-probe, and the few files that programs expect.
 * Built with tar once per state of its parts; every test imports the same file.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeScratch } from './scratch.ts';

export const repository = join(import.meta.dirname, '../..');
const busybox = '/bin/busybox';
export const probePath = join(repository, 'dist/onggi-probe');

/** Path of the root file system as a tar; a ready one by ONGGI_TEST_IMAGE (the virtual machine has no tar of GNU's). */
export async function busyboxTar(): Promise<string> {
  const given = process.env['ONGGI_TEST_IMAGE'];
  if (given !== undefined) return given;
  const parts = [busybox, probePath, import.meta.filename].filter((path) => existsSync(path));
  const stamp = Math.max(...parts.map((path) => statSync(path).mtimeMs));
  const tar = join(repository, `dist/test/busybox-${Math.round(stamp)}.tar`);
  if (existsSync(tar)) return tar;
  await using scratch = makeScratch();
  const root = join(scratch.path, 'rootfs');
  layOut(root);
  mkdirSync(join(repository, 'dist/test'), { recursive: true });
  const made = `${tar}.${process.pid}`;
  const args = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name', '-C', root, '-cf', made, '.'];
  const result = spawnSync('tar', args, { encoding: 'utf8' });
  if (result.status !== 0) {
    rmSync(made, { force: true });
    throw new Error(`tar ${args.join(' ')}: ${result.stderr}`);
  }
  renameSync(made, tar);
  return tar;
}

/** Writes the root file system into `root`, which must not exist. */
export function layOut(root: string): void {
  for (const directory of ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp', 'usr', 'var', 'www']) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  cpSync(busybox, join(root, 'bin/busybox'));
  const applets = spawnSync(busybox, ['--list'], { encoding: 'utf8' }).stdout.split('\n');
  for (const applet of applets) {
    if (applet !== '' && applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
  }
  for (const alias of ['sbin', 'usr/bin', 'usr/sbin'])
    symlinkSync(alias === 'sbin' ? 'bin' : '../bin', join(root, alias));
  if (existsSync(probePath)) cpSync(probePath, join(root, 'bin/onggi-probe'));
  const users = ['root:x:0:0:root:/root:/bin/sh', 'daemon:x:1:1::/:/bin/false', 'app:x:1000:1000::/tmp:/bin/sh'];
  writeFileSync(join(root, 'etc/passwd'), `${users.join('\n')}\n`);
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\ndaemon:x:1:\napp:x:1000:\nstaff:x:50:app\n');
  writeFileSync(join(root, 'www/index.html'), 'hello from the container\n');
}
