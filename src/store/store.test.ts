import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { insertContainer, listContainers } from './container-row.ts';
import { directoriesOf, layoutOf, socketPath } from './layout.ts';
import { publish, publishSynced } from './publish.ts';
import { openStore } from './store.ts';
import { exampleContainer } from './testing.ts';

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-store-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, 'root');
}

test('opening makes private directories once and touches none of them afterwards', (t) => {
  const root = scratch(t);
  openStore(root)[Symbol.dispose]();
  const look = (): readonly [number, bigint][] =>
    directoriesOf(layoutOf(root)).map((path) => {
      const { mode, ctimeNs } = statSync(path, { bigint: true });
      // Of the root itself the database changes the time.
      return [Number(mode & 0o777n), path === root ? 0n : ctimeNs];
    });
  const first = look();
  for (const [mode] of first) assert.equal(mode, 0o700);
  openStore(root)[Symbol.dispose]();
  assert.deepEqual(look(), first);
});

test('a run directory that a reboot took comes back', (t) => {
  const root = scratch(t);
  openStore(root)[Symbol.dispose]();
  rmSync(join(root, 'run'), { recursive: true });
  openStore(root)[Symbol.dispose]();
  assert.ok(statSync(join(root, 'run', 's')).isDirectory());
});

test('a root that others can change is refused', (t) => {
  const root = scratch(t);
  mkdirSync(root);
  chmodSync(root, 0o777);
  assert.throws(() => openStore(root), { code: 'denied' });
  assert.throws(() => openStore('relative'), { code: 'invalid' });
});

test('reading needs a store that is there', (t) => {
  const root = scratch(t);
  assert.throws(() => openStore(root, { readOnly: true }), { code: 'not-found' });
  openStore(root)[Symbol.dispose]();
  using store = openStore(root, { readOnly: true });
  assert.throws(() => insertContainer(store.database, exampleContainer('a', 'one')), { code: 'denied' });
});

test('paths: the default root has its run directory in /run, sockets are short', () => {
  assert.equal(layoutOf().sockets, '/run/onggi/s');
  assert.equal(layoutOf('/var/lib/onggi/').run, '/run/onggi');
  assert.equal(layoutOf('/x').run, '/x/run');
  assert.ok(socketPath(layoutOf(), 'f'.repeat(64)).length < 40);
  assert.throws(() => socketPath(layoutOf(`/${'x'.repeat(90)}`), 'f'.repeat(64)), { code: 'invalid' });
});

test('many processes that find no store make one together', async (t) => {
  const root = scratch(t);
  const script = `
    const { openStore } = await import('${import.meta.dirname}/store.ts');
    const { insertContainer } = await import('${import.meta.dirname}/container-row.ts');
    const { exampleContainer } = await import('${import.meta.dirname}/testing.ts');
    const store = openStore('${root}');
    insertContainer(store.database, exampleContainer(process.argv.at(-1), process.argv.at(-1)));`;
  const processes = Array.from({ length: 8 }, (_, index) =>
    spawn(process.execPath, ['--input-type=module', '-e', script, '--', `${index}a`], { stdio: 'inherit' }),
  );
  const statuses = await Promise.all(
    processes.map((child) => new Promise((resolve) => child.once('close', (status) => resolve(status)))),
  );
  assert.deepEqual(statuses, Array(8).fill(0));
  using store = openStore(root);
  assert.equal(listContainers(store.database).length, 8);
});

test('publish gives a file its name; again is no error', (t) => {
  const root = scratch(t);
  mkdirSync(join(root, 'tmp'), { recursive: true });
  for (const content of ['one', 'two']) {
    writeFileSync(join(root, 'tmp', 'x'), content);
    publish(join(root, 'tmp', 'x'), join(root, 'x'));
  }
  assert.throws(() => publish(join(root, 'tmp', 'x'), join(root, 'x')), { code: 'not-found' });
  assert.throws(() => publishSynced([{ from: join(root, 'tmp', 'x'), to: join(root, 'x') }]), { code: 'not-found' });
  writeFileSync(join(root, 'tmp', 'y'), 'y');
  publishSynced([{ from: join(root, 'tmp', 'y'), to: join(root, 'y') }]);
  assert.ok(statSync(join(root, 'y')).isFile());
});
