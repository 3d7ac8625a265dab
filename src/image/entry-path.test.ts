import assert from 'node:assert/strict';
import test from 'node:test';
import { attributeFate, nameOf, parentOf, parseEntryPath, rootPath, toName, whiteoutOf } from './entry-path.ts';

const parse = (text: string) => parseEntryPath(Buffer.from(text));

test('paths start at the root of the layer', () => {
  for (const [written, path] of [
    ['./', ''],
    ['/', ''],
    ['.', ''],
    ['./a/b/', 'a/b'],
    ['/etc/passwd', 'etc/passwd'],
    ['a//b/./c', 'a/b/c'],
    ['a/../b', 'b'],
    ['a/..', ''],
    ['...', '...'],
  ] as const) {
    assert.equal(parse(written), path, written);
  }
  for (const written of ['..', '../a', 'a/../../b', '/..', './../a']) {
    assert.throws(() => parse(written), { code: 'corrupt' }, written);
  }
});

test('parts of a path', () => {
  assert.equal(parentOf(parse('a/b/c')), 'a/b');
  assert.equal(parentOf(parse('a')), rootPath);
  assert.equal(nameOf(parse('a/b')), 'b');
  const bytes = Buffer.from([0x61, 0xff, 0xc3]);
  assert.deepEqual(nameOf(parseEntryPath(bytes)), bytes);
  assert.deepEqual(toName(Buffer.from('é').toString('latin1')), Buffer.from('é'));
});

test('whiteouts', () => {
  assert.equal(whiteoutOf(parse('a/b')), undefined);
  assert.equal(whiteoutOf(parse('a/x.wh.b')), undefined);
  assert.deepEqual(whiteoutOf(parse('a/.wh.b')), { kind: 'whiteout', path: 'a/b' });
  assert.deepEqual(whiteoutOf(parse('.wh..b')), { kind: 'whiteout', path: '.b' });
  assert.deepEqual(whiteoutOf(parse('a/.wh..wh..opq')), { kind: 'opaque', directory: 'a' });
  assert.deepEqual(whiteoutOf(parse('.wh..wh..opq')), { kind: 'opaque', directory: '' });
  assert.deepEqual(whiteoutOf(parse('.wh..wh.plnk/1.2')), { kind: 'aufs' });
  for (const written of ['a/.wh.', 'a/.wh..', 'a/.wh...']) {
    assert.throws(() => whiteoutOf(parse(written)), { code: 'corrupt' }, written);
  }
});

test('attributes of an image never steer overlayfs or a security module', () => {
  assert.equal(attributeFate('security.capability'), 'set');
  assert.equal(attributeFate('user.mime'), 'set');
  assert.equal(attributeFate('user.overlay.redirect'), 'refuse');
  assert.equal(attributeFate('trusted.overlay.metacopy'), 'refuse');
  for (const name of ['security.selinux', 'security.ima', 'trusted.x', 'other']) {
    assert.equal(attributeFate(name), 'skip', name);
  }
});
