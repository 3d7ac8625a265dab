import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { generateKeyPair, readPrivateKey, readPublicKey, sign, verify } from './key.ts';

const bytes = Buffer.from('what is signed');
const pems = ({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }) => ({
  privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
});

const kinds = {
  'P-256': () => generateKeyPair(null),
  'P-384': () => pems(generateKeyPairSync('ec', { namedCurve: 'secp384r1' })),
  Ed25519: () => pems(generateKeyPairSync('ed25519')),
  RSA: () => pems(generateKeyPairSync('rsa', { modulusLength: 2048 })),
};
for (const [kind, make] of Object.entries(kinds)) {
  test(`${kind}: only this key, only these bytes, only this signature`, () => {
    const { privatePem, publicPem } = make();
    const signature = sign(readPrivateKey(privatePem, 'k', null), bytes);
    const key = readPublicKey(publicPem, 'k');
    assert.ok(verify(key, bytes, signature));
    const changed = Buffer.from(signature);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    assert.ok(!verify(key, bytes, changed));
    assert.ok(!verify(key, Buffer.from('What is signed'), signature));
    assert.ok(!verify(readPublicKey(make().publicPem, 'k'), bytes, signature));
    for (const garbage of [
      Buffer.alloc(0),
      Buffer.from('x'),
      signature.subarray(1),
      Buffer.concat([signature, Buffer.alloc(1)]),
    ]) {
      assert.ok(!verify(key, bytes, garbage));
    }
  });
}

test('an encrypted key opens by its passphrase alone', () => {
  const { privatePem, publicPem } = generateKeyPair('canary');
  assert.match(privatePem, /^-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+\n-----END /);
  const signature = sign(readPrivateKey(privatePem, 'k', 'canary'), bytes);
  assert.ok(verify(readPublicKey(publicPem, 'k'), bytes, signature));
  const newer = privatePem.replaceAll('COSIGN', 'SIGSTORE');
  assert.ok(verify(readPublicKey(publicPem, 'k'), bytes, sign(readPrivateKey(newer, 'k', 'canary'), bytes)));
  for (const wrong of [null, '', 'canary '])
    assert.throws(() => readPrivateKey(privatePem, 'k', wrong), { code: 'denied' });
});

test('an encrypted key that would take all memory is refused', () => {
  const envelope = {
    kdf: { name: 'scrypt', params: { N: 2 ** 30, r: 8, p: 1 }, salt: 'AA==' },
    cipher: { name: 'nacl/secretbox', nonce: 'AA==' },
    ciphertext: 'AA==',
  };
  const pem = (value: object) =>
    `-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n${Buffer.from(JSON.stringify(value)).toString('base64')}\n-----END ENCRYPTED COSIGN PRIVATE KEY-----\n`;
  assert.throws(() => readPrivateKey(pem(envelope), 'k', 'x'), { code: 'invalid' });
  assert.throws(() => readPrivateKey(pem({}), 'k', 'x'), { code: 'invalid' });
});

test('what is no key, or of a kind that signs no image, is refused without being shown', () => {
  const weak = pems(generateKeyPairSync('rsa', { modulusLength: 1024 }));
  const other = pems(generateKeyPairSync('x25519'));
  const { privatePem } = generateKeyPair(null);
  const refuses = (read: () => unknown) =>
    assert.throws(
      read,
      (error) => error instanceof OnggiError && error.code === 'invalid' && !error.message.includes('canary'),
    );
  for (const pem of [weak.publicPem, other.publicPem, 'canary', '', privatePem]) refuses(() => readPublicKey(pem, 'k'));
  for (const pem of [weak.privatePem, other.privatePem, 'canary']) refuses(() => readPrivateKey(pem, 'k', null));
});

/** Made by GenerateKeyPair of containers/image 5.29.2 for this test; signs nothing else. */
const theirs = {
  passphrase: 'open, please',
  privatePem: `-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJ3TitGQTJqODFzUTR4eEFVb1FHMVdKSCs5UlFSd04z
YkNyTUttTzgrd3lBPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJjem90b3VUOS9MOXZnMXBMUUQ0MnBvUXJLS1NNQWFVZiJ9LCJj
aXBoZXJ0ZXh0IjoiS3pEUHhSQlZka0ljS1dzSGF3VksvNkhKejhleWRmMHJEeW1H
NVp6MFlxb3ArNlM5bkhhOTJNbkxwY2F6a2Rrb2ZkRk45OCtMYkpqdEtubXMrMHFV
c2NNV1JWcVpTSTI4K3NWVTV1bEJYa3VqeW9CSUMwQlI5ei9STGp2dUxmQm9wQmlU
dVNjazM2ZjR4V083T2pLQ3VBMmNLSW5oR1VacjEwZ2tUZmg0T3BzRkR3QVE2Ylds
ZDBWNFp6QWd4WXFjcTBOK3R6dk8zdm5yd1E9PSJ9
-----END ENCRYPTED COSIGN PRIVATE KEY-----
`,
  publicPem: `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6/rO87GXu6BoxaVy0oq2Zgyre4L9
TMwmyeFPouqs0VKucPL3Gnud/hLv91Hzx7BvBDwjbVI9CqzJCQy7BI0BCQ==
-----END PUBLIC KEY-----
`,
};

test('a pair of keys that containers/image has made is read', () => {
  const signature = sign(readPrivateKey(theirs.privatePem, 'k', theirs.passphrase), bytes);
  assert.ok(verify(readPublicKey(theirs.publicPem, 'k'), bytes, signature));
});
