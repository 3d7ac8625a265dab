/** `onggi registry serve` below the clients of others: skopeo, podman, docker; and our own. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { tarOf } from '../../src/image/testing.ts';
import { busyboxTar } from '../harness/busybox-image.ts';
import { findLeaks, type Snapshot, snapshot } from '../harness/leaks.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { type Running, run } from '../harness/program.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { binary } from '../harness/system-test.ts';
import { type Apart, openApart } from './apart.ts';
import { startDocker } from './docker-daemon.ts';
import { password, preparePrivate, user } from './private-registry.ts';

const host = '127.0.0.1:5000';
const serve = (root: string) => [binary, '--root', root, 'registry', 'serve', '--images'];

/** Ends a server by its own doing; nsenter, which started it, passes no signal on. */
async function end(server: Running): Promise<void> {
  const inside = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').trim();
  process.kill(Number(inside === '' ? server.pid : inside), 'SIGTERM');
  assert.equal((await server.outcome).status, 0);
}

suite('the registry server', { timeout: 180_000, ...requires('root', 'overlay', 'busybox') }, () => {
  const undo = new AsyncDisposableStack();
  let machine: Snapshot;
  let scratch: string;
  let root: string;

  before(async () => {
    await lockMachine();
    machine = snapshot();
    scratch = undo.use(makeScratch()).path;
    root = join(scratch, 's');
    const imported = await run(binary, ['--root', root, 'import', await busyboxTar(), 'app']);
    assert.equal(imported.status, 0, imported.stderr);
  });

  after(async () => {
    await undo.disposeAsync();
    assert.deepEqual(await findLeaks(machine), [], 'left behind');
  });

  async function inspect(apart: Apart, name: string): Promise<{ Digest: string; RepoTags: string[] }> {
    return JSON.parse(await apart.ok(['skopeo', 'inspect', '--tls-verify=false', `docker://${host}/${name}`]));
  }

  test('skopeo copies from, within and to it; digests are equal, deleted is deleted', requires('skopeo'), async () => {
    await using apart = await openApart('onggi-registry');
    const server = apart.start(serve(root));
    await server.printed(/Serving/);
    const insecure = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    const copy = (from: string, to: string, ...more: readonly string[]) =>
      apart.ok(['skopeo', 'copy', ...insecure, ...more, from, to]);
    const { Digest } = await inspect(apart, 'app');
    const kept = '--preserve-digests';
    await copy(`docker://${host}/app`, `docker://${host}/skopeo/app:1`, kept);
    const layout = `oci:${join(scratch, 'layout')}:app`;
    await copy(`docker://${host}/skopeo/app:1`, layout, kept);
    await copy(layout, `docker://${host}/skopeo/back:1`, kept);
    await copy(layout, `docker://${host}/skopeo/v2s2:1`, '--format', 'v2s2', '--dest-compress');
    assert.equal((await inspect(apart, 'skopeo/back:1')).Digest, Digest);
    assert.notEqual((await inspect(apart, 'skopeo/v2s2:1')).Digest, Digest);
    const tags = await apart.ok(['skopeo', 'list-tags', '--tls-verify=false', `docker://${host}/skopeo/app`]);
    assert.deepEqual(JSON.parse(tags).Tags, ['1']);
    await apart.ok(['skopeo', 'delete', '--tls-verify=false', `docker://${host}/skopeo/app:1`]);
    await assert.rejects(inspect(apart, 'skopeo/app:1'), /manifest unknown|not in repository/);
    await end(server);
  });

  test('podman pulls, pushes and pulls again; onggi runs what it pushed', requires('podman'), async () => {
    await using apart = await openApart('onggi-registry', 'mount -t tmpfs tmpfs /dev/shm');
    const server = apart.start(serve(root));
    await server.printed(/Serving/);
    const place = [
      '--root',
      join(scratch, 'podman'),
      '--runroot',
      join(scratch, 'run'),
      '--tmpdir',
      join(scratch, 'tmp'),
    ];
    const conf = join(scratch, 'containers.conf');
    writeFileSync(conf, '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n');
    const podman = (...args: readonly string[]) =>
      apart.ok(['env', `CONTAINERS_CONF=${conf}`, 'podman', ...place, ...args]);
    const name = `${host}/podman/app:1`;
    const id = await podman('pull', '-q', '--tls-verify=false', `${host}/app`);
    await podman('tag', `${host}/app`, name);
    await podman('push', '-q', '--tls-verify=false', name);
    await podman('rmi', name, `${host}/app`);
    assert.equal(await podman('pull', '-q', '--tls-verify=false', name), id);
    await podman('rmi', name);
    const other = join(scratch, 'other');
    await apart.ok([binary, '--root', other, 'pull', '-q', name], { env: { DOCKER_CONFIG: scratch } });
    assert.match(
      await apart.ok([binary, '--root', other, 'images', '--no-trunc']),
      new RegExp(`podman/app\\s+1\\s+sha256:${id}`),
    );
    // An index of podman's with all its images, to us whole and back to podman.
    const list = `${host}/podman/list:1`;
    const tree = join(scratch, 'tree.tar');
    writeFileSync(tree, tarOf({ name: 'f', content: 'arm' }));
    await podman('import', '-q', '--os', 'linux', '--arch', 'arm64', tree, 'arm');
    await podman('pull', '-q', '--tls-verify=false', `${host}/app`);
    await podman('manifest', 'create', list, `containers-storage:${host}/app`, 'containers-storage:localhost/arm');
    await podman('manifest', 'push', '-q', '--all', '--tls-verify=false', list, `docker://${list}`);
    const { Digest } = await inspect(apart, 'podman/list:1');
    const ours = async (...args: string[]) =>
      await apart.ok([binary, '--root', other, ...args], { env: { DOCKER_CONFIG: scratch } });
    await ours('pull', '-q', '--all-platforms', list);
    await ours('tag', list, `${host}/ours/list:1`);
    assert.match(await ours('push', `${host}/ours/list:1`), new RegExp(`digest: ${Digest} `));
    await podman('rmi', '-a', '-f');
    await podman('pull', '-q', '--tls-verify=false', '--platform', 'linux/arm64', `${host}/ours/list:1`);
    assert.equal(await podman('image', 'inspect', '--format', '{{.Architecture}}', `${host}/ours/list:1`), 'arm64');
    await podman('rmi', '-a', '-f');
    await end(server);
  });

  test('docker pulls, pushes and pulls again, also with a user and TLS', requires('dockerd'), async () => {
    await using engine = await startDocker();
    const server = engine.startBeside(serve(root));
    await server.printed(/Serving/);
    const name = `${host}/docker/app:1`;
    await engine.ok(['pull', '-q', `${host}/app`]);
    await engine.ok(['tag', `${host}/app`, name]);
    const pushed = /digest: (sha256:[0-9a-f]{64})/.exec(await engine.ok(['push', name]))?.[1];
    await engine.ok(['rmi', '-f', name, `${host}/app`]);
    const pulled = /Digest: (sha256:[0-9a-f]{64})/.exec(await engine.ok(['pull', name]))?.[1];
    assert.ok(pushed !== undefined && pushed === pulled, `${pushed} ${pulled}`);
    assert.equal(await engine.ok(['run', '--rm', '--network', 'none', name, 'echo', 'hello']), 'hello');
    await end(server);

    const { serve: servePrivate } = await preparePrivate(scratch);
    const guarded = engine.startBeside(servePrivate(join(scratch, 'private'), '--address', '127.0.0.1:5001'));
    await guarded.printed(/Serving on https:/);
    const own = '127.0.0.1:5001/docker/app:1';
    await engine.ok(['tag', name, own]);
    assert.match((await engine.docker(['push', own])).stderr, /no basic auth|unauthorized|denied/);
    assert.notEqual((await engine.docker(['login', '-u', user, '-p', 'wrong', '127.0.0.1:5001'])).status, 0);
    await engine.ok(['login', '-u', user, '-p', password, '127.0.0.1:5001']);
    // Compressed anew: docker keeps no compressed layer.
    const again = /digest: (sha256:[0-9a-f]{64})/.exec(await engine.ok(['push', own]))?.[1];
    await engine.ok(['rmi', '-f', own, name]);
    assert.match(await engine.ok(['pull', own]), new RegExp(`Digest: ${again}`));
    await end(guarded);
  });
});
