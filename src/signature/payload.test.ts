import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../oci/digest.ts';
import { mediaTypes } from '../oci/image-spec.ts';
import { formatAttachment, parseAttachment, signatureLayerType, signatureTag } from './attachment.ts';
import { formatPayload, parsePayload } from './payload.ts';

const digest = sha256('manifest');
const payload = { digest, identity: 'docker.io/library/app:1' };
const document = JSON.parse(formatPayload(payload, 5000).toString());
const parse = (value: unknown) => parsePayload(Buffer.from(JSON.stringify(value)), 'sigstore');

test('what is formatted is read', () => {
  assert.deepEqual(parsePayload(formatPayload(payload, 5000), 'sigstore'), payload);
  assert.deepEqual(document.optional, { creator: 'onggi', timestamp: 5 });
});

const { critical } = document;
const refused: Readonly<Record<string, unknown>> = {
  'the other kind': { critical: { ...critical, type: 'atomic container signature' } },
  'a critical field that is not known': { critical: { ...critical, expires: 1 } },
  'one more within': { critical: { ...critical, image: { ...critical.image, size: 1 } } },
  'a field beside': { ...document, more: 1 },
  'no digest': { critical: { ...critical, image: {} } },
  'a digest that is a path': { critical: { ...critical, image: { 'docker-manifest-digest': '../x' } } },
  nothing: {},
  'no object': [],
};
for (const [name, value] of Object.entries(refused)) {
  test(`refused: ${name}`, () => assert.throws(() => parse(value), { code: 'corrupt' }));
}
test('refused: too long, not JSON', () => {
  assert.throws(() => parse({ ...document, optional: 'x'.repeat(70_000) }), { code: 'corrupt' });
  assert.throws(() => parsePayload(Buffer.from('{'), 'sigstore'), { code: 'corrupt' });
});

test('signatures lie under a tag made of the digest, one layer each', () => {
  assert.equal(signatureTag(digest), `sha256-${digest.slice(7)}.sig`);
  const signatures = ['a', 'b'].map((name) => ({
    payload: { mediaType: signatureLayerType, digest: sha256(name), size: 1 },
    signature: Buffer.from(name),
  }));
  const tagged = formatAttachment(signatures, null);
  assert.deepEqual(parseAttachment(tagged.manifest, 'x'), signatures);
  const manifest = JSON.parse(tagged.manifest.toString());
  assert.deepEqual([manifest.config.mediaType, manifest.config.digest], [mediaTypes.config, sha256(tagged.config)]);
  const subject = { mediaType: mediaTypes.manifest, digest, size: 8 };
  assert.deepEqual(JSON.parse(formatAttachment(signatures, subject).manifest.toString()).subject, subject);
});

test('layers without a signature are passed over, what is no manifest is refused', () => {
  const layer = { mediaType: signatureLayerType, digest, size: 1 };
  const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
  assert.deepEqual(parseAttachment(bytes({ layers: [layer, { ...layer, mediaType: 'x' }] }), 'x'), []);
  for (const wrong of [{}, { layers: [{ ...layer, digest: '../x' }] }, []]) {
    assert.throws(() => parseAttachment(bytes(wrong), 'x'), { code: 'corrupt' });
  }
});
