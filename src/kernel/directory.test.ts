import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ensureDirectoryIn, openDirectory, openDirectoryIn, openEntryDirectory, openFileIn } from './directory.ts';
import {
  createFile,
  listEntries,
  makeDirectory,
  makeLink,
  makeNode,
  makeSymbolicLink,
  removeEntry,
  removeTree,
  rename,
  setEntryMode,
  setEntryTimes,
  statEntry,
} from './directory-entry.ts';

let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'onggi-directory-'));
  mkdirSync(join(scratch, 'root/etc'), { recursive: true });
  mkdirSync(join(scratch, 'outside'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

const at = (path: string): string => join(scratch, path);
const code = (expected: string) => (error: unknown) => Reflect.get(Object(error), 'code') === expected;

test('paths that climb end at the root', () => {
  using root = openDirectory(at('root'));
  symlinkSync('/', at('root/absolute'));
  symlinkSync('../../../outside', at('root/climb'));
  for (const path of ['../../etc', '/etc', 'absolute/etc', 'absolute/../../etc']) {
    using found = openDirectoryIn(root, path);
    assert.equal(readlinkSync(`/proc/self/fd/${found.fd}`), at('root/etc'), path);
  }
  assert.throws(() => openDirectoryIn(root, 'climb'), code('not-found'));
});

test('magic links are refused', () => {
  using root = openDirectory('/proc/self');
  assert.throws(() => openDirectoryIn(root, 'cwd'), code('invalid'));
});

test('missing parents are made inside the root, through links of the image too, twice the same', () => {
  using root = openDirectory(at('root'));
  mkdirSync(at('root/usr'));
  symlinkSync('/usr', at('root/opt'));
  for (let round = 0; round < 2; round++) {
    using made = ensureDirectoryIn(root, 'opt/a//./b', 0o700);
    assert.equal(readlinkSync(`/proc/self/fd/${made.fd}`), at('root/usr/a/b'));
  }
  writeFileSync(at('root/file'), '');
  symlinkSync('/nowhere', at('root/dangling'));
  assert.throws(() => ensureDirectoryIn(root, 'file/x', 0o700));
  assert.throws(() => ensureDirectoryIn(root, 'dangling/x', 0o700), code('not-found'));
  assert.equal(existsSync('/nowhere'), false);
});

test('only regular files are opened for reading', () => {
  using root = openDirectory(at('root'));
  writeFileSync(at('root/etc/passwd'), 'inside');
  writeFileSync(at('outside/secret'), 'outside');
  symlinkSync('/etc/passwd', at('root/etc/link'));
  symlinkSync('../outside/secret', at('root/leak'));
  using file = openFileIn(root, 'etc/link');
  assert.equal(readFileSync(file.fd, 'utf8'), 'inside');
  makeNode(root, 'fifo', 'fifo', 0o600, [0, 0]);
  // An open of a FIFO without a writer would block for ever.
  assert.throws(() => openFileIn(root, 'fifo'), code('invalid'));
  assert.throws(() => openFileIn(root, 'etc'), code('invalid'));
  assert.throws(() => openFileIn(root, 'leak'), code('not-found'));
});

test('a name is one component', () => {
  using root = openDirectory(at('root'));
  for (const name of ['', '.', '..', 'a/b', '/a', '../outside/x']) {
    assert.throws(() => createFile(root, name, 0o600), code('invalid'), `create ${name}`);
    assert.throws(() => makeDirectory(root, name, 0o700), code('invalid'), `mkdir ${name}`);
    assert.throws(() => removeEntry(root, name, false), code('invalid'), `remove ${name}`);
    assert.throws(() => makeLink(root, 'x', root, name), code('invalid'), `link ${name}`);
    assert.throws(() => makeSymbolicLink(root, name, 'x'), code('invalid'), `symlink ${name}`);
    assert.throws(() => rename(root, 'etc', root, name, false), code('invalid'), `rename ${name}`);
    assert.throws(() => statEntry(root, name), code('invalid'), `stat ${name}`);
    assert.throws(() => openEntryDirectory(root, name), code('invalid'), `open ${name}`);
  }
});

test('entries are made and changed without following links', () => {
  using root = openDirectory(at('root'));
  createFile(root, 'file', 0o600)[Symbol.dispose]();
  assert.throws(() => createFile(root, 'file', 0o600), code('exists'));
  makeSymbolicLink(root, 'link', at('outside'));
  assert.throws(() => openEntryDirectory(root, 'link'));
  assert.throws(() => setEntryMode(root, 'link', 0o777), code('unsupported'));
  setEntryMode(root, 'file', 0o4711);
  assert.equal(statEntry(root, 'file')?.mode, 0o104711);
  setEntryTimes(root, 'link', { seconds: -5, nanoseconds: 0 }, { seconds: 1.5e9, nanoseconds: 250_000_000 });
  assert.equal(lstatSync(at('root/link')).mtimeMs, 1.5e12 + 250);
  assert.equal(lstatSync(at('root/link')).atimeMs, -5000);
  makeLink(root, 'second', root, 'file');
  assert.equal(statEntry(root, 'second')?.ino, statEntry(root, 'file')?.ino);
  assert.throws(() => rename(root, 'file', root, 'link', true), code('exists'));
});

test('names that are not UTF-8 stay bytes', () => {
  using root = openDirectory(at('root/etc'));
  const name = new Uint8Array([0x66, 0xff, 0xfe]);
  createFile(root, name, 0o600)[Symbol.dispose]();
  assert.deepEqual(listEntries(root), [Buffer.from(name)]);
  assert.equal(statEntry(root, name)?.isFile(), true);
  assert.equal(removeEntry(root, name, false), true);
  assert.equal(removeEntry(root, name, false), false);
});

test('a tree is removed, whatever its depth, links not followed', () => {
  using root = openDirectory(at('root'));
  writeFileSync(at('outside/kept'), '');
  makeDirectory(root, 'tree', 0o700);
  let depth = openEntryDirectory(root, 'tree');
  for (let level = 0; level < 350; level++) {
    makeDirectory(depth, 'd', 0o700);
    makeSymbolicLink(depth, 'l', at('outside'));
    createFile(depth, 'f', 0o600)[Symbol.dispose]();
    const next = openEntryDirectory(depth, 'd');
    depth[Symbol.dispose]();
    depth = next;
  }
  depth[Symbol.dispose]();
  assert.equal(removeTree(root, 'tree'), true);
  assert.equal(removeTree(root, 'tree'), false);
  assert.equal(existsSync(at('outside/kept')), true);
});
