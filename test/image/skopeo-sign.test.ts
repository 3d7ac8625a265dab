/** skopeo's own commands for keys and signatures in files, and its login, crossed with the real ones. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../../src/oci/digest.ts';
import { makeCertificates } from '../harness/certificate.ts';
import { run } from '../harness/program.ts';
import { startRegistry } from '../harness/registry.ts';
import { imageTest } from '../harness/system-test.ts';
import { indexOf, pushImage, smallImage, type TestManifest } from '../harness/test-image.ts';
import { writeLayout } from './oci-layout-files.ts';
import { bothPrograms, ours } from './skopeo-pair.ts';

imageTest('signatures by GPG in files: each verifies what the other has made', ['skopeo', 'gpg'], async (world) => {
  const home = join(world.scratch, 'gnupg');
  mkdirSync(home, { mode: 0o700 });
  // Else the agent takes a second to find out how slow it can make the keys' protection.
  writeFileSync(join(home, 'gpg-agent.conf'), 's2k-count 65536\n');
  const env = { GNUPGHOME: home };
  const gpg = async (...args: string[]) => {
    const { status, stdout, stderr } = await run('gpg', ['--batch', '--no-tty', ...args], { env });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  await using _ = { [Symbol.asyncDispose]: async () => void (await run('gpgconf', ['--kill', 'all'], { env })) };
  const fingerprints: string[] = [];
  for (const who of ['alice', 'bob']) {
    await gpg(
      '--pinentry-mode',
      'loopback',
      '--passphrase',
      who,
      '--quick-generate-key',
      `${who}@example.com`,
      'ed25519',
      'sign',
      'never',
    );
    fingerprints.push(/^fpr:+([0-9A-F]{40}):/m.exec(await gpg('--with-colons', '--list-keys', `${who}@`))?.[1] ?? '');
  }
  const [alice = '', bob = ''] = fingerprints;
  const manifest = join(world.scratch, 'manifest.json');
  writeFileSync(manifest, smallImage(1).manifest.bytes);
  writeFileSync(join(world.scratch, 'pass'), 'alice\n');
  writeFileSync(join(world.scratch, 'keys'), await gpg('--armor', '--export', alice));
  const both = bothPrograms(world, env);
  const name = 'registry.example/app:1';
  const made = await both(
    'standalone-sign',
    manifest,
    name,
    alice,
    '--passphrase-file',
    join(world.scratch, 'pass'),
    '-o',
    '@@.sig',
  );
  assert.deepEqual([made.skopeo.status, made.ours.status], [0, 0], made.skopeo.stderr + made.ours.stderr);
  for (const file of ['skopeo.sig', 'ours.sig']) {
    const { skopeo, ours } = await both('standalone-verify', manifest, name, alice, join(world.scratch, file));
    assert.deepEqual([skopeo.status, ours.status], [0, 0], `${file}: ${skopeo.stderr}${ours.stderr}`);
    assert.match(
      ours.stdout,
      new RegExp(`^Signature verified using fingerprint ${alice}, digest ${smallImage(1).manifest.digest}\n$`),
    );
  }
  const verify = (...args: string[]) => ours(world, ['standalone-verify', ...args], { env });
  const signature = join(world.scratch, 'ours.sig');
  const keys = ['--public-key-file', join(world.scratch, 'keys')];
  assert.equal((await verify(manifest, name, 'any', signature, ...keys)).status, 0);
  writeFileSync(join(world.scratch, 'other'), smallImage(2).manifest.bytes);
  for (const [args, says] of [
    [[manifest, name, bob, signature], /made with another key/],
    [[manifest, name, bob, signature, ...keys], new RegExp(`made with key ${alice}`)],
    [[manifest, 'registry.example/app:2', alice, signature], /of the name "registry.example\/app:1"/],
    [[join(world.scratch, 'other'), name, alice, signature], /of the manifest "sha256:/],
    [[manifest, name, alice, manifest], /made with another key, or damaged/],
    [[manifest, name, 'any', signature], /"any" needs a file of public keys/],
  ] as const) {
    const refused = await verify(...args);
    assert.deepEqual([refused.status, says.test(refused.stderr)], [1, true], refused.stderr);
  }
  const wrong = await ours(world, ['standalone-sign', manifest, name, 'nobody', '-o', join(world.scratch, 'x')], {
    env,
  });
  assert.match(wrong.stderr, /sign with key "nobody": gpg ended with status 2/);

  // Of an index each image is signed, and the index: whoever pulls one of them sees only that.
  const images = { amd64: smallImage(1), arm64: smallImage(1, {}, 'arm') };
  const index = indexOf(images);
  const parts = Object.values(images).map((image) => image.manifest);
  const blobs = Object.values(images).flatMap((image) => [...image.blobs]);
  const layout = join(world.scratch, 'layout');
  writeLayout(layout, { manifest: index, blobs: new Map([...blobs, ...parts.map(fileOf)]) }, 'all');
  const key = ['--sign-by', alice, '--sign-passphrase-file', join(world.scratch, 'pass'), '--sign-identity', name];
  const all = await both('--insecure-policy', 'copy', '-q', '--all', ...key, `oci:${layout}:all`, 'dir:@@.dir');
  assert.deepEqual([all.skopeo.status, all.ours.status], [0, 0], all.skopeo.stderr + all.ours.stderr);
  const [theirs, own] = ['skopeo.dir', 'ours.dir'].map((path) => join(world.scratch, path));
  assert.deepEqual(readdirSync(own ?? '').toSorted(), readdirSync(theirs ?? '').toSorted());
  for (const { digest, bytes } of [index, ...parts]) {
    writeFileSync(manifest, bytes);
    const file = digest === index.digest ? 'signature-1' : `${digest.slice(7)}.signature-1`;
    const { status, stderr } = await verify(manifest, name, alice, join(own ?? '', file));
    assert.equal(status, 0, `${file}: ${stderr}`);
  }
});

function fileOf({ digest, bytes }: TestManifest): [Digest, Buffer] {
  return [digest, bytes];
}

imageTest(
  'a pair of sigstore keys; login with a directory of certificates, a file of its own, and out again',
  ['docker-registry', 'htpasswd', 'openssl', 'skopeo'],
  async (world) => {
    const prefix = join(world.scratch, 'pair');
    const { ok } = {
      ok: (...args: string[]) =>
        ours(world, args).then(({ status, stdout, stderr }) => {
          assert.equal(status, 0, stderr);
          return stdout.trimEnd();
        }),
    };
    assert.match(
      await ok('generate-sigstore-key', '--output-prefix', prefix),
      /^Key written to ".*pair.private" and ".*pair.pub"$/,
    );
    assert.equal(statSync(`${prefix}.private`).mode & 0o777, 0o600);
    assert.match(readFileSync(`${prefix}.pub`, 'utf8'), /BEGIN PUBLIC KEY/);
    assert.equal(
      (await ours(world, ['generate-sigstore-key', '--output-prefix', prefix])).status,
      1,
      'not over old keys',
    );

    const credentials = { user: 'me', password: 'secret' };
    const certificates = await makeCertificates(world.scratch);
    const tls = { ...certificates.server, clientAuthority: certificates.authority };
    await using registry = await startRegistry(credentials, tls);
    const directory = join(world.scratch, 'certs');
    mkdirSync(directory);
    for (const [link, file] of [
      ['ca.crt', certificates.authority],
      ['client.cert', certificates.client.certificate],
      ['client.key', certificates.client.key],
    ] as const) {
      symlinkSync(file, join(directory, link));
    }
    const authfile = join(world.scratch, 'own-auth.json');
    const env = { REGISTRY_AUTH_FILE: '' };
    const login = (...args: string[]) => ours(world, ['login', '--authfile', authfile, ...args], { env });
    assert.equal((await login('-u', 'me', '-p', 'secret', registry.host)).status, 1, 'nobody knows the authority');
    const wrong = await login('--cert-dir', directory, '-u', 'me', '-p', 'wrong', registry.host);
    assert.deepEqual([wrong.status, /secret|wrong/.test(wrong.stderr)], [1, false], wrong.stderr);
    const logged = await login('--cert-dir', directory, '-v', '-u', 'me', '-p', 'secret', registry.host);
    assert.deepEqual([logged.status, logged.stdout], [0, `Used: ${authfile}\nLogin Succeeded!\n`], logged.stderr);
    assert.equal((await login('--get-login', registry.host)).stdout, 'me\n');
    // Both use it: to push and to pull.
    const both = bothPrograms(world, { REGISTRY_AUTH_FILE: authfile });
    const layout = join(world.scratch, 'layout');
    await using plain = await startRegistry();
    await pushImage(plain, 'app', smallImage(2), 'v1');
    const blobs = join(world.scratch, 'blobs');
    const from = `docker://${plain.host}/app:v1`;
    const to = ['--dest-shared-blob-dir', blobs, from, `oci:${layout}:v1`];
    await ok('--insecure-policy', 'copy', '-q', '--src-tls-verify=false', ...to);
    const shared = await both('inspect', '--raw', '--shared-blob-dir', blobs, `oci:${layout}:v1`);
    assert.equal(shared.ours.stdout, shared.skopeo.stdout, shared.ours.stderr + shared.skopeo.stderr);
    assert.equal(shared.ours.stdout, smallImage(2).manifest.bytes.toString());
    const put = await both(
      '--insecure-policy',
      'copy',
      '-q',
      '--src-tls-verify=false',
      '--dest-cert-dir',
      directory,
      from,
      `docker://${registry.host}/app:v1`,
    );
    assert.deepEqual([put.skopeo.status, put.ours.status], [0, 0], put.skopeo.stderr + put.ours.stderr);
    const seen = await both('inspect', '--raw', '--cert-dir', directory, `docker://${registry.host}/app:v1`);
    assert.equal(seen.ours.stdout, seen.skopeo.stdout, seen.ours.stderr);
    const token = await both(
      'inspect',
      '--raw',
      '--cert-dir',
      directory,
      '--registry-token',
      'none',
      `docker://${registry.host}/app:v1`,
    );
    assert.equal(token.ours.status, 1, 'a token in place of what is kept');
    assert.equal((await ours(world, ['logout', '--authfile', authfile, registry.host])).status, 0);
    assert.equal((await login('--get-login', registry.host)).status, 1);
    assert.equal((await ours(world, ['logout', '--authfile', authfile, '--all'])).status, 0);
    assert.equal((await ours(world, ['logout', '--authfile', authfile, registry.host])).status, 1);
  },
);
