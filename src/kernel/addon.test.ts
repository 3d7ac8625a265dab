import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTrusted, nativeDirectory } from './addon.ts';
import { shimEnvironment } from './shim.ts';

const source = {
  override: undefined,
  main: '/repo/src/cli/main.ts',
  executable: '/usr/bin/node',
  module: '/repo/src/kernel',
};

for (const [what, surroundings, directory] of [
  ['from the sources', source, '/repo/dist'],
  [
    'from the package',
    { ...source, module: '/app/node_modules/onggi/dist/lib/kernel' },
    '/app/node_modules/onggi/dist',
  ],
  ['compiled', { ...source, main: '/$bunfs/root/onggi', executable: '/usr/lib/onggi/onggi' }, '/usr/lib/onggi'],
  ['told', { ...source, override: '/opt/native', main: '/$bunfs/root/onggi' }, '/opt/native'],
  ['told nothing', { ...source, override: '' }, '/repo/dist'],
] as const) {
  test(`the native part is found: ${what}`, () => assert.equal(nativeDirectory(surroundings), directory));
}

test('a relative directory is refused: it would depend on where onggi is called', () => {
  assert.throws(() => nativeDirectory({ ...source, override: 'dist' }), { code: 'invalid' });
});

test('programs are taken from a directory that only its owner changes, who is root or the caller', () => {
  assert.equal(isTrusted({ uid: 0, mode: 0o40755 }, 0), true);
  assert.equal(isTrusted({ uid: 0, mode: 0o40755 }, 1000), true);
  assert.equal(isTrusted({ uid: 1000, mode: 0o40700 }, 1000), true);
  assert.equal(isTrusted({ uid: 1000, mode: 0o40700 }, 0), false);
  assert.equal(isTrusted({ uid: 0, mode: 0o41777 }, 0), false);
  assert.equal(isTrusted({ uid: 0, mode: 0o40775 }, 0), false);
});

test('a shim is given what its last command needs, no secret of the user', () => {
  const environment = { PATH: '/bin', HOME: '/root', AWS_SECRET: 'x', ONGGI_ROOT: '/s', ONGGI_LIBDIR: '/l' };
  assert.deepEqual(shimEnvironment(environment), ['ONGGI_LIBDIR=/l', 'ONGGI_ROOT=/s', 'PATH=/bin']);
});
