import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failsWith } from '../registry/testing.ts';
import { formatAddress, parseAddress } from './address.ts';

const hex = 'a'.repeat(64);

test('addresses, their parts and their full spelling', () => {
  const cases: readonly (readonly [string, string, string?])[] = [
    ['docker://alpine', 'docker://docker.io/library/alpine:latest'],
    [`docker://localhost:5000/a@sha256:${hex}`, `docker://localhost:5000/a@sha256:${hex}`],
    ['oci:layout', 'oci:/work/layout'],
    ['oci:/srv/l:docker.io/x/y:1', 'oci:/srv/l:docker.io/x/y:1'],
    ['oci-archive:a.tar:v1', 'oci-archive:/work/a.tar:v1'],
    ['docker-archive:../a.tar', 'docker-archive:/a.tar'],
    ['docker-archive:a.tar:busybox', 'docker-archive:/work/a.tar:docker.io/library/busybox:latest'],
    ['docker-archive:a.tar:@3', 'docker-archive:/work/a.tar:@3'],
    ['dir:d', 'dir:/work/d'],
    ['onggi:alpine', 'onggi:alpine'],
  ];
  for (const [text, full] of cases) {
    const address = parseAddress(text, '/work');
    assert.equal(formatAddress(address), full);
    assert.deepEqual(parseAddress(full, '/'), address);
  }
});

test('what is no address', () => {
  for (const text of ['alpine', ':x', 'docker:alpine', 'docker://UPPER', 'oci:', 'dir:', 'onggi:', 'oci:x:bad name']) {
    assert.throws(() => parseAddress(text, '/'), failsWith('invalid'), text);
  }
  for (const text of ['containers-storage:x', 'docker-daemon:x:1', 'ostree:x@/y', 'docker-archive:x:@y']) {
    assert.throws(
      () => parseAddress(text, '/'),
      failsWith(text.includes('@y') && text.startsWith('docker-a') ? 'invalid' : 'unsupported'),
      text,
    );
  }
});
