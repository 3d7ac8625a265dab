/** Signatures both ways with skopeo (containers/image, as in Podman): what one signs, the other accepts, and no other. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { serve } from '../../src/registry/testing.ts';
import { busyboxTar } from '../harness/busybox-image.ts';
import { type Outcome, run } from '../harness/program.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { binary } from '../harness/system-test.ts';
import { openPlace } from '../image/registry-place.ts';

const passphrase = 'open, please';

async function openWorld() {
  await using undo = new AsyncDisposableStack();
  const scratch = undo.use(makeScratch());
  const path = (name: string) => join(scratch.path, name);
  const env = { DOCKER_CONFIG: scratch.path, HOME: scratch.path, GNUPGHOME: path('gnupg'), COSIGN_PASSWORD: undefined };
  const onggi = (args: readonly string[], more = {}) =>
    run(binary, args, { env: { ...env, ...more }, directory: scratch.path });
  const ok = async (outcome: Promise<Outcome>): Promise<string> => {
    const { status, stdout, stderr } = await outcome;
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };
  await ok(onggi(['--root', path('r/s'), 'import', await busyboxTar(), 'app:1']));
  const place = undo.use(await openPlace('program', path('r'), { images: true }));
  mkdirSync(path('registries.d'));
  writeFileSync(path('registries.d/all.yaml'), 'default-docker:\n  use-sigstore-attachments: true\n');
  writeFileSync(path('pass'), passphrase);
  for (const name of ['a', 'b']) await ok(onggi(['image', 'key', 'generate', '--passphrase-file', 'pass', name]));
  writeFileSync(path('accept.json'), JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  const skopeo = (policy: string, ...args: readonly string[]) =>
    run('skopeo', ['--policy', path(policy), '--registries.d', path('registries.d'), ...args], { env });
  const insecure = ['--src-tls-verify=false', '--dest-tls-verify=false'];
  const copy = (policy: string, ...args: readonly string[]) => skopeo(policy, 'copy', '-q', ...insecure, ...args);
  let pulls = 0;
  const pull = (policy: string, name: string, more = {}) =>
    onggi(['--root', path(`p${pulls++}`), 'pull', '-q', name], { ONGGI_SIGNATURE_POLICY: path(policy), ...more });
  const owned = undo.move();
  return {
    path,
    env,
    place,
    onggi,
    ok,
    copy,
    pull,
    /** Writes a policy with these requirements. */
    policy(name: string, ...requirements: readonly object[]) {
      writeFileSync(path(name), JSON.stringify({ default: requirements }));
      return name;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Debian's skopeo is built without sigstore ("Debian-local change: sigstore disabled"); others have it. */
const needs = requires('root', 'overlay', 'busybox', 'skopeo-sigstore');

test('sigstore: what onggi signs skopeo accepts, what skopeo signs onggi accepts', needs, async () => {
  await using world = await openWorld();
  const { copy, ok, onggi, path, place, policy, pull } = world;
  const name = `${place.host}/team/app:1`;
  const image = `docker://${name}`;
  const [byA, byB] = ['a', 'b'].map((key) =>
    policy(`${key}.json`, { type: 'sigstoreSigned', keyPath: path(`${key}.pub`) }),
  );
  assert.ok(byA && byB);
  await ok(copy('accept.json', '--preserve-digests', `docker://${place.host}/app:1`, image));
  const unsigned = await copy(byA, image, `dir:${path('unsigned')}`);
  assert.match(unsigned.stderr, /signature was required/, 'skopeo looks');
  assert.match((await pull(byA, name)).stderr, /has none/);
  await ok(onggi(['image', 'sign', '--key', 'a.key', '--passphrase-file', 'pass', name]));
  await ok(copy(byA, image, `dir:${path('signed')}`));
  assert.notEqual((await copy(byB, image, `dir:${path('other')}`)).status, 0);
  await ok(pull(byA, name));
  // The other way: skopeo adds its own beside ours.
  const signing = ['--sign-by-sigstore-private-key', path('b.key'), '--sign-passphrase-file', path('pass')];
  const again = `${place.host}/team/again:1`;
  await ok(copy('accept.json', ...signing, image, `docker://${again}`));
  const verified = JSON.parse(await ok(onggi(['image', 'verify', '--key', 'b.pub', again])));
  assert.equal(verified[0].critical.identity['docker-reference'], again);
  assert.equal((await onggi(['image', 'verify', '--key', 'a.pub', again])).status, 1);
  await ok(pull(byB, again));
  assert.match((await pull(byA, again)).stderr, /another key|another name/);
  await ok(onggi(['image', 'sign', '--key', 'a.key', '--passphrase-file', 'pass', again]));
  for (const by of [byA, byB]) {
    await ok(copy(by, `docker://${again}`, `dir:${path(`both-${by}`)}`));
    await ok(pull(by, again));
  }
});

test(
  'simple signing: what skopeo and gpg sign is accepted, by this key, image and name alone',
  requires('root', 'overlay', 'busybox', 'skopeo', 'gpg'),
  async () => {
    await using world = await openWorld();
    const { copy, env, ok, path, place, policy, pull } = world;
    const name = `${place.host}/team/app:1`;
    mkdirSync(path('gnupg'), { mode: 0o700 });
    const gpg = (...args: readonly string[]) => ok(run('gpg', ['--batch', '--no-tty', ...args], { env }));
    await using _ = { [Symbol.asyncDispose]: async () => void (await run('gpgconf', ['--kill', 'all'], { env })) };
    for (const who of ['ann', 'bob']) {
      await gpg('--passphrase', '', '--quick-generate-key', `${who} <${who}@example.com>`, 'ed25519', 'sign', 'never');
      await gpg('--output', path(`${who}.gpg`), '--export', `${who}@example.com`);
      await gpg('--armor', '--output', path(`${who}.asc`), '--export', `${who}@example.com`);
    }
    await ok(copy('accept.json', '--preserve-digests', `docker://${place.host}/app:1`, `docker://${name}`));
    await ok(copy('accept.json', '--preserve-digests', `docker://${name}`, `dir:${path('dir')}`));
    assert.ok(readdirSync(path('dir')).includes('manifest.json'));
    const { headers } = await place.ask('HEAD', '/v2/team/app/manifests/1');
    const digest = headers.get('docker-content-digest') ?? '';
    const lookaside = join(path('lookaside'), `team/app@${digest.replace(':', '=')}`);
    mkdirSync(lookaside, { recursive: true });
    const sign = async (who: string, identity: string) =>
      await ok(
        run(
          'skopeo',
          [
            'standalone-sign',
            join(path('dir'), 'manifest.json'),
            identity,
            `${who}@example.com`,
            '-o',
            join(lookaside, 'signature-1'),
          ],
          { env },
        ),
      );
    const by = (file: string) =>
      policy(`by-${file}.json`, { type: 'signedBy', keyType: 'GPGKeys', keyPath: path(file) });
    const pulled = async (file: string) => {
      const { status, stderr } = await pull(by(file), name, { ONGGI_LOOKASIDE: path('lookaside') });
      return status === 0 ? 'pulled' : stderr;
    };
    assert.match(await pulled('ann.gpg'), /has none/);
    await sign('ann', name);
    assert.equal(await pulled('ann.gpg'), 'pulled');
    assert.equal(await pulled('ann.asc'), 'pulled');
    assert.match(await pulled('bob.gpg'), /another key/);
    await sign('ann', `${place.host}/team/app:2`);
    assert.match(await pulled('ann.gpg'), /another name/);
    writeFileSync(join(lookaside, 'signature-1'), 'garbage');
    assert.match(await pulled('ann.gpg'), /damaged/);
    await signedByCopies(world);
  },
);

/** `copy --sign-by`, both ways, with signatures where registries.d says: written as files, read from a web server. */
async function signedByCopies(world: Awaited<ReturnType<typeof openWorld>>): Promise<void> {
  const { copy, env, ok, onggi, path, place } = world;
  await using web = await serve(({ path: asked }, response) => {
    const file = path(join('beside', decodeURIComponent(asked)));
    response.writeHead(existsSync(file) ? 200 : 404).end(existsSync(file) ? readFileSync(file) : '');
  });
  const lines = [`docker:`, `  ${place.host}/team:`, `    sigstore: http://${web.host}`];
  const staging = `    sigstore-staging: file://${path('beside')}`;
  writeFileSync(path('registries.d/places.yaml'), `${[...lines, staging].join('\n')}\n`);
  const key = async (who: string) => {
    const listed = await ok(run('gpg', ['--batch', '--with-colons', '--list-keys', `${who}@example.com`], { env }));
    return /^fpr:+([0-9A-F]+):/m.exec(listed)?.[1] ?? '';
  };
  const ann = await key('ann');
  const ours = (policy: string, ...args: readonly string[]) => {
    const flags = ['--policy', path(policy), '--registries.d', path('registries.d')];
    return onggi(['skopeo', ...flags, 'copy', '-q', '--src-tls-verify=false', '--dest-tls-verify=false', ...args]);
  };
  const [byUs, bySkopeo] = ['us', 'skopeo'].map((who) => `docker://${place.host}/team/${who}:1`);
  assert.ok(byUs && bySkopeo);
  const from = `dir:${path('dir')}`;
  await ok(ours('accept.json', '--sign-by', ann, from, byUs));
  await ok(copy('accept.json', '--sign-by', ann, from, bySkopeo));
  for (const [at, image] of [byUs, bySkopeo].entries()) {
    await ok(copy('by-ann.gpg.json', image, `dir:${path(`theirs-${at}`)}`));
    await ok(ours('by-ann.gpg.json', image, `dir:${path(`ours-${at}`)}`));
    assert.match((await ours('by-bob.gpg.json', image, `dir:${path('none')}`)).stderr, /another key/);
  }
  // Into a directory, under a name that is said.
  const signed = path('signed-dir');
  const identity = 'registry.example/app:1';
  await ok(ours('accept.json', '--sign-by', ann, '--sign-identity', identity, from, `dir:${signed}`));
  const files = [join(signed, 'manifest.json'), identity, ann, join(signed, 'signature-1')];
  await ok(run('skopeo', ['standalone-verify', ...files], { env }));
  for (const [to, wanted] of [
    [`dir:${path('nameless')}`, /which name is to be signed/],
    [`oci:${path('oci')}`, /--sign-by into "oci:" is not supported/],
  ] as const) {
    assert.match((await ours('accept.json', '--sign-by', ann, from, to)).stderr, wanted);
  }
  writeFileSync(path('registries.d/places.yaml'), `${lines.join('\n')}\n`);
  assert.match((await ours('accept.json', '--sign-by', ann, from, byUs)).stderr, /only a directory can be written to/);
}
