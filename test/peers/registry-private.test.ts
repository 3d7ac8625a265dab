/**
 * Registries with users and TLS below the clients of others and our own: `onggi registry serve` and Debian's
 * docker-registry. Whatever way an image goes, its digest stays.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { busyboxTar } from '../harness/busybox-image.ts';
import { findLeaks, type Snapshot, snapshot } from '../harness/leaks.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { eventually } from '../harness/program.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { binary } from '../harness/system-test.ts';
import { openApart } from './apart.ts';
import { type PrivatePlace, password, preparePrivate, user } from './private-registry.ts';

const ours = '127.0.0.1:5000';
const debian = '127.0.0.1:5001';
const digest = /sha256:[0-9a-f]{64}/;

suite('registries with users and TLS', { timeout: 180_000, ...requires('root', 'overlay', 'busybox') }, () => {
  const undo = new AsyncDisposableStack();
  let machine: Snapshot;
  let scratch: string;
  let place: PrivatePlace;
  const at = (...names: readonly string[]) => join(scratch, ...names);

  before(async () => {
    await lockMachine();
    machine = snapshot();
    scratch = undo.use(makeScratch()).path;
    place = await preparePrivate(scratch);
    for (const host of [ours, debian]) {
      const directory = at('.config/containers/certs.d', host);
      mkdirSync(directory, { recursive: true });
      symlinkSync(place.authority, join(directory, 'ca.crt'));
    }
  });

  after(async () => {
    await undo.disposeAsync();
    assert.deepEqual(await findLeaks(machine), [], 'left behind');
  });

  test('skopeo, podman and onggi, between ours and docker-registry', requires('skopeo', 'podman'), async () => {
    await using apart = await openApart('onggi-private', 'mount -t tmpfs tmpfs /dev/shm');
    const { certificate, key } = place.server;
    const config = [
      'version: 0.1',
      `storage: { filesystem: { rootdirectory: ${at('data')} } }`,
      `http: { addr: "${debian}", tls: { certificate: ${certificate}, key: ${key} } }`,
      `auth: { htpasswd: { realm: test, path: ${place.users} } }`,
    ];
    writeFileSync(at('config.yml'), `${config.join('\n')}\n`);
    await apart.start(place.serve(at('served'))).printed(/Serving on https:/);
    const registry = apart.start(['docker-registry', 'serve', at('config.yml')]);
    await eventually('docker-registry listens', () => /listening on/.test(registry.output().stderr));

    writeFileSync(at('containers.conf'), '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n');
    const env = {
      HOME: scratch,
      DOCKER_CONFIG: at('.docker'),
      REGISTRY_AUTH_FILE: at('auth.json'),
      CONTAINERS_CONF: at('containers.conf'),
    };
    const programs = {
      onggi: [binary, '--root', at('client')],
      podman: ['podman', '--root', at('podman'), '--runroot', at('podman-run'), '--tmpdir', at('podman-tmp')],
      skopeo: ['skopeo'],
    };
    const call = (program: keyof typeof programs, ...args: readonly string[]) =>
      apart.ok([...programs[program], ...args], { env });
    const digestIn = async (name: string) =>
      await call('skopeo', 'inspect', '--format', '{{.Digest}}', `docker://${name}`);

    for (const host of [ours, debian]) {
      const name = `${host}/app:1`;
      await assert.rejects(call('skopeo', 'inspect', `docker://${name}`), /unauthorized|authentication required/);
      const wrong = call('onggi', 'login', '-u', user, '-p', 'wrong', host);
      await assert.rejects(wrong, (error: Error) => /unauthorized|401/i.test(error.message));
      // Each writes where the others look: podman and skopeo into auth.json, onggi into Docker's file.
      await call('podman', 'login', '-u', user, '-p', password, host);
      await call('onggi', 'login', '-u', user, '-p', password, host);
    }

    await call('onggi', 'import', await busyboxTar(), `${ours}/app:1`);
    const pushed = digest.exec(await call('onggi', 'push', `${ours}/app:1`))?.[0];
    assert.equal(await digestIn(`${ours}/app:1`), pushed);
    // There and back by skopeo.
    const copy = (from: string, to: string) =>
      call('skopeo', 'copy', '-q', '--preserve-digests', `docker://${from}`, `docker://${to}`);
    await copy(`${ours}/app:1`, `${debian}/app:1`);
    await copy(`${debian}/app:1`, `${ours}/back:1`);
    // There and back by onggi.
    await call('onggi', 'pull', '-q', `${debian}/app:1`);
    for (const name of [`${debian}/onggi:1`, `${ours}/onggi:1`]) {
      await call('onggi', 'tag', `${debian}/app:1`, name);
      await call('onggi', 'push', '-q', name);
    }
    for (const name of [`${debian}/app:1`, `${ours}/back:1`, `${debian}/onggi:1`, `${ours}/onggi:1`])
      assert.equal(await digestIn(name), pushed, name);
    // podman compresses what it pushes anew; what it says, both registries and a pull of ours say.
    const id = await call('podman', 'pull', '-q', `${ours}/app:1`);
    for (const host of [ours, debian]) {
      const name = `${host}/podman:1`;
      await call('podman', 'push', '-q', '--digestfile', at('digest'), id, name);
      const said = readFileSync(at('digest'), 'utf8');
      assert.equal(await digestIn(name), said);
      assert.equal(digest.exec(await call('onggi', 'pull', name))?.[0], said);
      assert.equal(await call('podman', 'pull', '-q', name), id);
    }
    await call('podman', 'rmi', '-a', '-f');
    await call('onggi', 'logout', ours);
    await call('podman', 'logout', ours);
    await assert.rejects(call('onggi', 'pull', `${ours}/app:1`), /login|unauthorized/i);
  });
});
