/** The library in a program of an ordinary user: what works, works; what needs ids of others is refused in clear words. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tarOf } from '../../src/image/testing.ts';
import { repository } from '../harness/busybox-image.ts';
import { ordinaryUserTest } from '../harness/ordinary-user-test.ts';

/** Prints a line for each call: its name, then "ok" or the code of the error. */
const program = (home: string): string => `
import { Engine } from 'onggi';
await using engine = Engine.open();
const tell = async (name, work) => {
  try {
    await work();
    console.log(name, 'ok');
  } catch (error) {
    console.log(name, error.code, error.message, error.hint);
  }
};
const drain = async (events) => { for await (const _ of events); };
await tell('list', async () => { if ((await engine.images.list()).length !== 1) throw new Error('not one'); });
await tell('save', () => engine.images.save(['app'], { path: '${home}/again.tar' }));
await tell('tag', () => engine.images.tag('app', 'other'));
await tell('load', () => drain(engine.images.load('${home}/app.tar')));
await tell('import', () => engine.images.import('${home}/tree.tar', 'new'));
await tell('pull', () => drain(engine.images.pull('127.0.0.1:1/none')));
await tell('copy', () => engine.transfers.copy('docker-archive:${home}/app.tar', 'onggi:copied'));
await tell('copy out', () => engine.transfers.copy('onggi:app', 'dir:${home}/dir'));
await tell('create', () => engine.containers.create({ image: 'app', command: ['/x'], network: 'none', name: 'made' }));
await tell('diff', () => engine.containers.diff('made'));
await tell('commit', () => engine.containers.commit('made', 'committed'));
await tell('quick check', () => engine.system.check({ quick: true }));
await tell('check', () => engine.system.check());
await tell('remove container', () => engine.containers.remove('made'));
await tell('remove', () => engine.images.remove('other'));
await tell('prune', () => engine.images.prune({ all: true }));
await tell('empty', async () => { if ((await engine.images.list()).length !== 0) throw new Error('not empty'); });
`;

ordinaryUserTest('the library as an ordinary user: images and containers', {}, (user, place) => {
  const modules = join(place, 'node_modules');
  const own = join(modules, 'onggi');
  mkdirSync(own, { recursive: true });
  for (const name of ['valibot', 'smol-toml', '@noble']) {
    cpSync(join(repository, 'node_modules', name), join(modules, name), { recursive: true });
  }
  cpSync(join(repository, 'dist/lib'), join(own, 'dist/lib'), { recursive: true });
  for (const name of ['dist/onggi.node', 'dist/onggi-shim', 'package.json']) {
    copyFileSync(join(repository, name), join(own, name));
  }
  const node = join(place, 'node');
  copyFileSync(process.execPath, node);
  chmodSync(node, 0o755);
  const at = (name: string): string => join(user.home, name);
  const others = { uid: 33, gid: 33 };
  const tar = tarOf(
    { name: 'f', content: 'x' },
    { name: 'private', type: '5', mode: 0o700, ...others },
    { name: 'private/f', content: 'y', mode: 0o600, ...others },
  );
  writeFileSync(at('tree.tar'), tar);
  writeFileSync(join(place, 'program.mjs'), program(user.home));
  const onggi = join(user.dist, 'onggi');
  for (const args of [
    ['import', at('tree.tar'), 'app'],
    ['save', '-o', at('app.tar'), 'app'],
  ]) {
    const { status, stderr } = user.run([onggi, ...args]);
    assert.equal(status, 0, stderr);
  }
  const { status, stdout, stderr } = user.run([node, join(place, 'program.mjs')]);
  assert.equal(status, 0, stderr);
  const lines = stdout.trim().split('\n');
  const denied = (name: string, does: string): string =>
    `${name} denied ${does}: an ordinary user can't give files their owners Run this program by "onggi unshare", or use the command of onggi, which does that by itself.`;
  assert.deepEqual(lines, [
    'list ok',
    'save ok',
    'tag ok',
    denied('load', 'load an image'),
    denied('import', 'import an image'),
    denied('pull', 'pull an image'),
    denied('copy', 'copy an image into the store'),
    'copy out ok',
    'create ok',
    'diff ok',
    denied('commit', 'commit a container'),
    'quick check ok',
    denied('check', 'check the store'),
    'remove container ok',
    'remove ok',
    'prune ok',
    'empty ok',
  ]);
  // The same program in a namespace of the user's ids may do all of it.
  const again = user.run([onggi, 'unshare', node, join(place, 'program.mjs')]);
  assert.match(again.stdout, /^load ok$/m, again.stdout + again.stderr);
  assert.match(again.stdout, /^import ok$/m);
  assert.equal(user.run([onggi, 'system', 'check']).stdout.trim(), 'everything is whole');
});
