/** Certificates for tests, made by openssl(1). */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './program.ts';

/** Paths of PEM files. */
export type Certificates = {
  readonly authority: string;
  /** For "localhost", "registry.test" and 127.0.0.1. */
  readonly server: { readonly certificate: string; readonly key: string };
  readonly client: { readonly certificate: string; readonly key: string };
};

/** An authority, a server and a client that it signed, in `directory`. */
export async function makeCertificates(directory: string): Promise<Certificates> {
  const path = (name: string): string => join(directory, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl([
    'req',
    '-x509',
    ...key,
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=ca',
  ]);
  writeFileSync(path('names'), 'subjectAltName=DNS:localhost,DNS:registry.test,IP:127.0.0.1');
  const sign = async (name: string) => {
    await openssl(['req', ...key, '-keyout', path(`${name}.key`), '-out', path(`${name}.csr`), '-subj', `/CN=${name}`]);
    const by = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial', '-extfile', path('names')];
    await openssl(['x509', '-req', '-in', path(`${name}.csr`), ...by, '-out', path(`${name}.pem`), '-days', '2']);
    return { certificate: path(`${name}.pem`), key: path(`${name}.key`) };
  };
  return { authority: path('ca.pem'), server: await sign('server'), client: await sign('client') };
}

async function openssl(args: readonly string[]): Promise<void> {
  const { status, stderr } = await run('openssl', args);
  assert.equal(status, 0, stderr);
}
