/** Signing in a registry, looking at signatures, and the policy on pull: what is not signed as wanted comes not in. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { run } from '../harness/program.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { binary } from '../harness/system-test.ts';
import { openTerminal } from '../harness/terminal.ts';
import { digestOf, indexType, manifestType, openPlace, type Place } from './registry-place.ts';

type Signer = AsyncDisposable & {
  readonly place: Place;
  readonly path: (name: string) => string;
  onggi(...args: readonly string[]): ReturnType<typeof run>;
  ok(...args: readonly string[]): Promise<string>;
  /** Pulls into an empty store by this policy. @returns what it said, empty when the image is there */
  pull(name: string, policy: object): Promise<string>;
  /** Requirement of a key. */
  key(name: string, more?: object): object;
};

/** A registry with the image "app:1", and two pairs of keys "a" and "b". */
async function openSigner(): Promise<Signer> {
  await using undo = new AsyncDisposableStack();
  const scratch = undo.use(makeScratch());
  const path = (name: string) => join(scratch.path, name);
  mkdirSync(path('tree'));
  writeFileSync(path('tree/hello'), 'hello');
  await run('tar', ['-C', path('tree'), '-cf', path('tree.tar'), '.']);
  const env = { DOCKER_CONFIG: scratch.path, HOME: scratch.path, COSIGN_PASSWORD: undefined };
  const onggi: Signer['onggi'] = (...args) => run(binary, args, { env, directory: scratch.path });
  const ok: Signer['ok'] = async (...args) => {
    const { status, stdout, stderr } = await onggi(...args);
    assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  await ok('--root', path('images/s'), 'import', path('tree.tar'), 'app:1');
  const place = undo.use(await openPlace('program', path('images'), { images: true }));
  // Pushed under another name, so that it can be signed there: images of the machine are not the registry's own.
  const manifest = (await place.ask('GET', '/v2/app/manifests/1')).text;
  for (const { digest } of [JSON.parse(manifest).config, ...JSON.parse(manifest).layers]) {
    assert.equal((await place.ask('POST', `/v2/team/app/blobs/uploads/?mount=${digest}&from=app`)).status, 201);
  }
  const headers = { 'content-type': manifestType };
  for (const tag of ['1', '2']) await place.ask('PUT', `/v2/team/app/manifests/${tag}`, { headers, body: manifest });
  for (const name of ['a', 'b']) await ok('image', 'key', 'generate', name);
  const owned = undo.move();
  let pulls = 0;
  return {
    place,
    path,
    onggi,
    ok,
    async pull(name, policy) {
      writeFileSync(path('policy.json'), JSON.stringify(policy));
      const root = path(`s${pulls++}`);
      const options = { env: { ...env, ONGGI_SIGNATURE_POLICY: path('policy.json') } };
      const { status, stderr } = await run(binary, ['--root', root, 'pull', '-q', name], options);
      if (status === 0) return '';
      for (const directory of ['layers', 'blobs/sha256', 'tmp'])
        assert.deepEqual(readdirSync(join(root, directory)), []);
      return stderr;
    },
    key: (name, more = {}) => ({ type: 'sigstoreSigned', keyPath: path(`${name}.pub`), ...more }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const needs = requires('root', 'overlay');

test('keys are made, private, and never overwritten', needs, async () => {
  await using signer = await openSigner();
  const { path, onggi, ok } = signer;
  assert.equal(statSync(path('a.key')).mode & 0o777, 0o600);
  const before = readFileSync(path('a.key'), 'utf8');
  assert.match((await onggi('image', 'key', 'generate', 'a')).stderr, /a\.key/);
  assert.equal(readFileSync(path('a.key'), 'utf8'), before);
  writeFileSync(path('pass'), 'canary\nmore\n');
  await ok('image', 'key', 'generate', '--passphrase-file', 'pass', 'secret');
  assert.match(readFileSync(path('secret.key'), 'utf8'), /BEGIN ENCRYPTED COSIGN PRIVATE KEY/);
  const name = `${signer.place.host}/team/app:1`;
  assert.match((await onggi('image', 'sign', '--key', 'secret.key', name)).stderr, /passphrase is wanted/);
  await ok('image', 'sign', '--key', 'secret.key', '--passphrase-file', 'pass', name);
  await ok('image', 'verify', '--key', 'secret.pub', name);
});

test('on a terminal passphrases are asked for: of new keys twice, of old ones where they have any', needs, async () => {
  await using signer = await openSigner();
  const { path, ok } = signer;
  const name = `${signer.place.host}/team/app:1`;
  const typed = async (words: readonly string[], answers: readonly (readonly [RegExp, string])[]): Promise<number> => {
    const env = ['-C', path(''), '-u', 'COSIGN_PASSWORD', `HOME=${path('')}`, `DOCKER_CONFIG=${path('')}`];
    await using terminal = openTerminal('env', [...env, binary, ...words]);
    for (const [question, answer] of answers) {
      await terminal.expect(question);
      terminal.type(`${answer}\r`);
    }
    const status = await terminal.exit;
    assert.doesNotMatch(terminal.screen(), /canary/);
    return status;
  };
  const generate = ['image', 'key', 'generate', 'typed'];
  const asked = /Passphrase for key typed.key \(empty for none\): /;
  assert.equal(
    await typed(generate, [
      [asked, 'canary'],
      [/Once more: /, 'canary2'],
    ]),
    1,
  );
  assert.equal(
    await typed(generate, [
      [asked, 'canary'],
      [/Once more: /, 'canary'],
    ]),
    0,
  );
  assert.match(readFileSync(path('typed.key'), 'utf8'), /BEGIN ENCRYPTED COSIGN PRIVATE KEY/);
  const sign = ['image', 'sign', '--key', 'typed.key', name];
  const question = /Passphrase for key typed.key: /;
  assert.equal(await typed(sign, [[question, 'canary3']]), 1);
  assert.equal(await typed(sign, [[question, '\x03']]), 130);
  assert.equal(await typed(sign, [[question, 'canary']]), 0);
  await ok('image', 'verify', '--key', 'typed.pub', name);
  const copied = `${signer.place.host}/team/copied:1`;
  const copy = ['skopeo', 'copy', '--src-tls-verify=false', '--dest-tls-verify=false', `docker://${name}`];
  const signed = ['--sign-by-sigstore-private-key', 'typed.key', `docker://${copied}`];
  assert.equal(await typed([...copy, ...signed], [[question, 'canary']]), 0);
  await ok('image', 'verify', '--key', 'typed.pub', copied);
  // A key without a passphrase asks for none.
  assert.equal(await typed(['image', 'sign', '--key', 'a.key', name], []), 0);
});

test('what is signed is verified: this key, this image, this name', needs, async () => {
  await using signer = await openSigner();
  const { place, onggi, ok } = signer;
  const name = `${place.host}/team/app:1`;
  const fails = async (...args: readonly string[]) => {
    const { status, stderr } = await onggi('image', 'verify', ...args);
    assert.equal(status, 1, stderr);
    return stderr;
  };
  assert.match(await fails('--key', 'a.pub', name), /it has no signature/);
  const digest = await ok('image', 'sign', '--key', 'a.key', name);
  const found = JSON.parse(await ok('image', 'verify', '--key', 'a.pub', name));
  assert.deepEqual(
    found.map((each: { critical: object }) => each.critical),
    [
      {
        identity: { 'docker-reference': name },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
    ],
  );
  await ok('image', 'verify', '--key', 'a.pub', `${place.host}/team/app@${digest}`);
  await ok('image', 'verify', '--key', 'a.pub', `${place.host}/team/app:2`);
  assert.match(await fails('--key', 'a.pub', '--identity', `${place.host}/team/app:2`, name), /of another name/);
  assert.match(await fails('--key', 'b.pub', name), /another key/);
  assert.match(await fails('--key', 'a.key', name), /a private key/);
  // A second signer joins the first; both stand under the tag and among the referrers.
  await ok('image', 'sign', '--key', 'b.key', '--identity', 'example.com/other:1', name);
  assert.match(await fails('--key', 'b.pub', name), /of another name/);
  await ok('image', 'verify', '--key', 'b.pub', '--identity', 'example.com/other:1', name);
  await ok('image', 'verify', '--key', 'a.pub', name);
  const referrers = JSON.parse((await place.ask('GET', `/v2/team/app/referrers/${digest}`)).text).manifests;
  const type = 'application/vnd.dev.cosign.artifact.sig.v1+json';
  assert.deepEqual(
    referrers.map(({ artifactType }: { artifactType: string }) => artifactType),
    [type, type],
  );
  // Without the tag the referrers suffice.
  const tag = `sha256-${digest.slice(7)}.sig`;
  assert.equal((await place.ask('DELETE', `/v2/team/app/manifests/${tag}`)).status, 202);
  await ok('image', 'verify', '--key', 'a.pub', name);
});

test(
  'openssl finds the signature good, and the bytes that were signed are where cosign looks',
  requires('root', 'overlay', 'openssl'),
  async () => {
    await using signer = await openSigner();
    const { place, ok, path } = signer;
    const digest = await ok('image', 'sign', '--key', 'a.key', `${place.host}/team/app:1`);
    const { layers, config } = JSON.parse(
      (await place.ask('GET', `/v2/team/app/manifests/sha256-${digest.slice(7)}.sig`)).text,
    );
    assert.deepEqual([layers.length, layers[0].mediaType], [1, 'application/vnd.dev.cosign.simplesigning.v1+json']);
    assert.equal(config.mediaType, 'application/vnd.oci.image.config.v1+json');
    writeFileSync(path('payload'), (await place.ask('GET', `/v2/team/app/blobs/${layers[0].digest}`)).text);
    writeFileSync(
      path('signature'),
      Buffer.from(layers[0].annotations['dev.cosignproject.cosign/signature'], 'base64'),
    );
    const check = (key: string) =>
      run('openssl', ['dgst', '-sha256', '-verify', path(key), '-signature', path('signature'), path('payload')]);
    assert.equal((await check('a.pub')).status, 0);
    assert.notEqual((await check('b.pub')).status, 0);
  },
);

test('the policy of the machine is kept by a pull', needs, async () => {
  await using signer = await openSigner();
  const { place, ok, pull, key } = signer;
  const name = `${place.host}/team/app:1`;
  const accept = { type: 'insecureAcceptAnything' };
  const reject = { type: 'reject' };
  assert.match(await pull(name, { default: [reject] }), /rejects it/);
  assert.equal(await pull(name, { default: [reject], transports: { docker: { [place.host]: [accept] } } }), '');
  assert.match(
    await pull(name, { default: [accept], transports: { docker: { [`${place.host}/team/app`]: [reject] } } }),
    /rejects/,
  );
  assert.match(await pull(name, { default: [key('a')] }), /a signature is required, and it has none/);
  await ok('image', 'sign', '--key', 'a.key', name);
  assert.equal(await pull(name, { default: [key('a')] }), '');
  assert.match(await pull(name, { default: [key('b')] }), /another key/);
  assert.match(await pull(name, { default: [key('a'), key('b')] }), /another key/, 'all requirements');
  assert.match(await pull(name, { default: [accept, reject] }), /rejects/);
  assert.match(
    await pull(`${place.host}/team/app:2`, { default: [key('a')] }),
    /of another name/,
    'the same image by another tag',
  );
  const loose = key('a', { signedIdentity: { type: 'matchRepository' } });
  assert.equal(await pull(`${place.host}/team/app:2`, { default: [loose] }), '');
  assert.match(await pull(name, { default: [key('nobody')] }), /nobody\.pub/);
  assert.match(await pull(name, { default: [{ type: 'unheard-of' }] }), /unheard-of/);
  assert.match(
    await pull(name, { default: [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/none' }] }),
    /GPG signature is required/,
  );
});

test('the policy is kept by a copy from a registry and from files', needs, async () => {
  await using signer = await openSigner();
  const { place, ok, onggi, path, key } = signer;
  const name = `${place.host}/team/app:1`;
  const copy = (from: string, to: string, policy: object) => {
    writeFileSync(path('copy.json'), JSON.stringify(policy));
    const env = { ONGGI_SIGNATURE_POLICY: path('copy.json'), DOCKER_CONFIG: path('.') };
    return run(binary, ['--root', path('copies'), 'image', 'copy', from, to], { env });
  };
  const image = `docker://${name}`;
  assert.match((await copy(image, `dir:${path('out')}`, { default: [key('a')] })).stderr, /it has none/);
  assert.ok(!existsSync(path('out/manifest.json')));
  await ok('image', 'sign', '--key', 'a.key', name);
  assert.equal((await copy(image, `dir:${path('out')}`, { default: [key('a')] })).status, 0);
  assert.match((await copy(image, 'onggi:x', { default: [key('b')] })).stderr, /another key/);
  assert.match((await copy(`dir:${path('out')}`, 'onggi:x', { default: [key('a')] })).stderr, /are not read/);
  assert.match((await copy(`dir:${path('out')}`, 'onggi:x', { default: [{ type: 'reject' }] })).stderr, /rejects/);
  const transports = { dir: { [path('out')]: [{ type: 'insecureAcceptAnything' }] } };
  assert.equal((await copy(`dir:${path('out')}`, 'onggi:x', { default: [{ type: 'reject' }], transports })).status, 0);
  assert.equal((await onggi('--root', path('copies'), 'image', 'inspect', 'x')).status, 0);
});

test("a copy is signed where it comes to; Skopeo's flags choose the policy", needs, async () => {
  await using signer = await openSigner();
  const { place, ok, onggi, path } = signer;
  const [from, to] = [`docker://${place.host}/team/app:1`, `docker://${place.host}/signed/app:7`];
  const copied = await ok('image', 'copy', '-q', '--sign-by-sigstore-private-key', 'a.key', from, to);
  const verified = JSON.parse(await ok('image', 'verify', '--key', 'a.pub', `${place.host}/signed/app:7`));
  assert.deepEqual(verified[0].critical.identity, { 'docker-reference': `${place.host}/signed/app:7` });
  assert.equal(verified[0].critical.image['docker-manifest-digest'], copied);
  const identity = ['--sign-by-sigstore-private-key', 'b.key', '--sign-identity', 'example.com/x:1'];
  await ok('image', 'copy', '-q', ...identity, from, to);
  await ok('image', 'verify', '--key', 'b.pub', '--identity', 'example.com/x:1', `${place.host}/signed/app:7`);
  assert.match(
    (await onggi('image', 'copy', '--sign-by-sigstore-private-key', 'a.key', from, 'dir:out')).stderr,
    /not supported/,
  );
  assert.match((await onggi('image', 'copy', '--sign-identity', 'x', from, to)).stderr, /needs --sign-by/);
  await signsAll(signer);
  symlinkSync(binary, path('skopeo'));
  writeFileSync(path('reject.json'), JSON.stringify({ default: [{ type: 'reject' }] }));
  writeFileSync(path('accept.json'), JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  const env = { ONGGI_SIGNATURE_POLICY: path('reject.json'), DOCKER_CONFIG: path('.'), ONGGI_LIBDIR: dirname(binary) };
  const skopeo = (...flags: readonly string[]) =>
    run(path('skopeo'), [...flags, 'copy', '-q', from, `dir:${path('out')}`], { env });
  assert.match((await skopeo()).stderr, /rejects it/);
  assert.equal((await skopeo('--policy', path('accept.json'))).status, 0);
  assert.equal((await skopeo('--insecure-policy')).status, 0);
  assert.match((await skopeo('--policy', path('reject.json'))).stderr, /rejects it/);
  assert.match((await skopeo('--policy', path('none.json'))).stderr, /none\.json/);
});

/** By a file of parameters, each image of an index and the index. */
async function signsAll({ place, ok, onggi, path }: Signer): Promise<void> {
  const name = `${place.host}/team/app`;
  const { digest, size } = await sizeOf(place);
  const manifests = [{ mediaType: manifestType, digest, size, platform: { os: 'linux', architecture: 's390x' } }];
  const body = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests });
  const headers = { 'content-type': indexType };
  assert.equal((await place.ask('PUT', '/v2/team/app/manifests/all', { headers, body })).status, 201);
  writeFileSync(path('secret'), 'open\n');
  await ok('image', 'key', 'generate', '--passphrase-file', 'secret', 'c');
  writeFileSync(path('sign.yaml'), 'privateKeyFile: "c.key"\nprivateKeyPassphraseFile: secret # its first line\n');
  const to = `${place.host}/signed/all`;
  const words = ['image', 'copy', '-q', '--all', '--sign-by-sigstore', 'sign.yaml', `docker://${name}:all`];
  const copied = await ok(...words, `docker://${to}:1`);
  assert.equal(copied, digestOf(Buffer.from(body)));
  for (const each of [copied, digest]) {
    const [verified] = JSON.parse(
      await ok('image', 'verify', '--key', 'c.pub', '--identity', `${to}:1`, `${to}@${each}`),
    );
    assert.equal(verified.critical.image['docker-manifest-digest'], each);
  }
  writeFileSync(path('sign.yaml'), 'fulcio:\n  fulcioURL: https://fulcio.example\n');
  assert.match((await onggi(...words, `docker://${to}:2`)).stderr, /"fulcio" is not supported/);
}

async function sizeOf(place: Place): Promise<{ readonly digest: string; readonly size: number }> {
  const bytes = Buffer.from((await place.ask('GET', '/v2/team/app/manifests/1')).text);
  return { digest: digestOf(bytes), size: bytes.length };
}

test('a signature that was tampered with, or of another image, lets nothing in', needs, async () => {
  await using signer = await openSigner();
  const { place, ok, pull, key } = signer;
  const { ask, blob } = place;
  const name = `${place.host}/team/app:1`;
  const digest = await ok('image', 'sign', '--key', 'a.key', name);
  const tag = `sha256-${digest.slice(7)}.sig`;
  const real = JSON.parse((await ask('GET', `/v2/team/app/manifests/${tag}`)).text);
  const [layer] = real.layers;
  const payload = (await ask('GET', `/v2/team/app/blobs/${layer.digest}`)).text;
  for (const { digest: gone } of JSON.parse((await ask('GET', `/v2/team/app/referrers/${digest}`)).text).manifests) {
    await ask('DELETE', `/v2/team/app/manifests/${gone}`);
  }
  const put = async (reference: string, layers: readonly object[]) => {
    const headers = { 'content-type': manifestType };
    const { status, text } = await ask('PUT', `/v2/team/app/manifests/${reference}`, {
      headers,
      body: JSON.stringify({ ...real, layers }),
    });
    assert.equal(status, 201, text);
  };
  const forge = async (change: (text: string) => string, signature?: string) => {
    const text = change(payload);
    const annotations = {
      ...layer.annotations,
      ...(signature !== undefined && { 'dev.cosignproject.cosign/signature': signature }),
    };
    return { ...layer, digest: await blob('team/app', text), size: text.length, annotations };
  };
  const same = (text: string) => text;
  await put(tag, [await forge((text) => text.replace('team/app:1', 'team/app:9'))]);
  assert.match(await pull(name, { default: [key('a')] }), /another key, or damaged/);
  await put(tag, [await forge((text) => `${text} `)]);
  assert.match(await pull(name, { default: [key('a')] }), /damaged/);
  for (const signature of [
    '',
    'AAAA',
    'not base64!',
    layer.annotations['dev.cosignproject.cosign/signature'].slice(4),
  ]) {
    await put(tag, [await forge(same, signature)]);
    assert.match(await pull(name, { default: [key('a')] }), /damaged|has none/, signature);
  }
  await put(tag, []);
  assert.match(await pull(name, { default: [key('a')] }), /has none/);
  // The good signature of the first image, put beside another one of the same name.
  const other = await place.image('team/app', '1', 'evil');
  await put(`sha256-${other.digest.slice(7)}.sig`, [layer]);
  assert.match(await pull(name, { default: [key('a')] }), new RegExp(`of another image \\("${digest}"\\)`));
  // One good among many bad ones is enough.
  await put(tag, [await forge(same, 'AAAA'), layer]);
  assert.equal(await pull(`${place.host}/team/app@${digest}`, { default: [key('a')] }), '');
  assert.ok(digestOf(payload) === layer.digest);
});
