/** An OCI layout with one image, written by the test itself. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestImage } from '../harness/test-image.ts';

export function writeLayout(
  directory: string,
  { blobs, manifest }: Pick<TestImage, 'blobs' | 'manifest'>,
  name: string,
): void {
  const place = join(directory, 'blobs/sha256');
  mkdirSync(place, { recursive: true });
  for (const [digest, bytes] of blobs) writeFileSync(join(place, digest.slice(7)), bytes);
  const { mediaType, digest, bytes } = manifest;
  writeFileSync(join(place, digest.slice(7)), bytes);
  const annotations = { 'org.opencontainers.image.ref.name': name };
  const manifests = [{ mediaType, digest, size: bytes.length, annotations }];
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}
