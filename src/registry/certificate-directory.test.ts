import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { certificateDirectories, machineAuthorities, readHostCertificates } from './certificate-directory.ts';
import { failsWith } from './testing.ts';

function directory(files: Readonly<Record<string, string>>): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'onggi-certificates-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test('authorities and one client certificate, of the first directory that has the host', () => {
  using first = directory({ 'other/ca.crt': 'no' });
  using second = directory({
    'r.example:5000/a.crt': 'A',
    'r.example:5000/b.crt': 'B',
    'r.example:5000/me.cert': 'C',
    'r.example:5000/me.key': 'K',
  });
  const directories = [first.path, second.path];
  assert.deepEqual(readHostCertificates(directories, ['r.example:5000']), {
    authorities: ['A', 'B'],
    client: { certificate: 'C', key: 'K' },
  });
  assert.deepEqual(readHostCertificates(directories, ['no.example', 'other'])?.authorities, ['no']);
  assert.equal(readHostCertificates(directories, ['r.example']), undefined);
  assert.equal(readHostCertificates(['/nonexistent'], ['r.example']), undefined);
});

for (const files of [
  { 'r/me.cert': 'C' },
  { 'r/me.key': 'K' },
  { 'r/a.cert': '', 'r/a.key': '', 'r/b.cert': '', 'r/b.key': '' },
]) {
  test(`refuses ${Object.keys(files).join(', ')}`, () => {
    using place = directory(files);
    assert.throws(() => readHostCertificates([place.path], ['r']), failsWith('invalid', /^certificates in/));
  });
}

test('where they are looked for, and the authorities of the machine', () => {
  assert.deepEqual(certificateDirectories({ HOME: '/home/u' })[0], '/home/u/.config/containers/certs.d');
  assert.deepEqual(certificateDirectories({}).at(-1), '/etc/docker/certs.d');
  using place = directory({ bundle: 'B', extra: 'E' });
  const SSL_CERT_FILE = join(place.path, 'bundle');
  assert.equal(machineAuthorities({ SSL_CERT_FILE }), 'B');
  assert.equal(machineAuthorities({ SSL_CERT_FILE, NODE_EXTRA_CA_CERTS: join(place.path, 'extra') }), 'B\nE');
  assert.equal(machineAuthorities({ SSL_CERT_FILE: '/nonexistent' }), null);
});
