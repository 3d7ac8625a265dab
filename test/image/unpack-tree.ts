/** A tree in words, one line an entry, for comparing what two programs unpacked. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Path, type, mode, owner, device, size, time in nanoseconds, target, content, extended attributes. Entries that are
 * links to one file carry the path of the first.
 */
export function describeTree(root: string): string[] {
  const seen = new Map<bigint, string>();
  return pathsBelow(Buffer.from(root), Buffer.alloc(0)).map((path) => {
    const full = Buffer.concat([Buffer.from(`${root}/`), path]);
    const stats = lstatSync(full, { bigint: true });
    const shown = JSON.stringify(path.toString('latin1'));
    const first = stats.isDirectory() ? undefined : seen.get(stats.ino);
    if (first !== undefined) return `${shown} = ${first}`;
    seen.set(stats.ino, shown);
    const target = stats.isSymbolicLink() ? ` -> ${readlinkSync(full)}` : '';
    const content = stats.isFile()
      ? ` ${createHash('sha256').update(readFileSync(full)).digest('hex').slice(0, 12)}`
      : '';
    const device = stats.isCharacterDevice() || stats.isBlockDevice() ? ` device ${stats.rdev}` : '';
    const size = stats.isFile() ? ` size ${stats.size}` : '';
    const attributes = attributesOf(full, stats.isSymbolicLink());
    return `${shown} ${stats.mode.toString(8)} ${stats.uid}:${stats.gid} ${stats.mtimeNs}${size}${device}${target}${content}${attributes}`;
  });
}

function pathsBelow(root: Buffer, path: Buffer): Buffer[] {
  const full = Buffer.concat([root, Buffer.from('/'), path]);
  const own = path.length === 0 ? [Buffer.from('.')] : [path];
  if (!lstatSync(full).isDirectory()) return own;
  const names = readdirSync(full, { encoding: 'buffer' }).sort(Buffer.compare);
  const children = names.map((name) => (path.length === 0 ? name : Buffer.concat([path, Buffer.from('/'), name])));
  return [...own, ...children.flatMap((child) => pathsBelow(root, child))];
}

/** Neither Node nor Bun reads extended attributes. Only trees that are known to have some are worth a process. */
function attributesOf(path: Buffer, isLink: boolean): string {
  const name = path.toString('latin1');
  if (isLink || !/\/(?:hard|empty)$/.test(name)) return '';
  const script =
    'import os,sys; print({n: os.getxattr(sys.argv[1], n).hex() for n in sorted(os.listxattr(sys.argv[1]))})';
  const found = spawnSync('python3', ['-c', script, name], { encoding: 'utf8' });
  return found.status === 0 ? ` ${found.stdout.trim()}` : '';
}
