/**
 * Authorities and client certificates of single registries, in the layout of docker(1) and containers-certs.d(5):
 * DIRECTORY/HOST:PORT/ with NAME.crt (authorities), NAME.cert and NAME.key (what we show). And the authorities of the
 * machine.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import type { Environment } from './proxy.ts';

export type HostCertificates = {
  /** PEM texts. */
  readonly authorities: readonly string[];
  readonly client: { readonly certificate: string; readonly key: string } | null;
};

const fileLimit = 4 * 1024 * 1024;

/** Where they are looked for, the first directory with one for the host holds. */
export function certificateDirectories(environment: Environment): string[] {
  const home = environment['HOME'];
  const own = home === undefined || home === '' ? [] : [join(home, '.config/containers/certs.d')];
  return [...own, '/etc/onggi/certs.d', '/etc/containers/certs.d', '/etc/docker/certs.d'];
}

/**
 * @param hosts names of one host, "docker.io" and "registry-1.docker.io"
 * @returns undefined when nothing is kept for it
 * @throws OnggiError `invalid` (a certificate without its key, several), `denied`
 */
export function readHostCertificates(
  directories: readonly string[],
  hosts: readonly string[],
): HostCertificates | undefined {
  for (const directory of directories) {
    for (const host of hosts) {
      const path = join(directory, host);
      const names = list(path);
      if (names !== undefined) return read(path, names);
    }
  }
  return undefined;
}

/** Those of one directory, which must be there. @throws OnggiError `not-found`, and as `readHostCertificates` */
export function readCertificates(path: string): HostCertificates {
  const names = list(path);
  if (names !== undefined) return read(path, names);
  throw new OnggiError('not-found', `certificates in "${path}": no such directory`);
}

function list(path: string): string[] | undefined {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw fromSystemError(error, `read certificates in "${path}"`);
  }
}

function read(path: string, names: readonly string[]): HostCertificates {
  const authorities = names.filter((name) => name.endsWith('.crt')).map((name) => text(join(path, name)));
  const certificates = names.filter((name) => name.endsWith('.cert'));
  const keys = names.filter((name) => name.endsWith('.key'));
  const lonely = [
    ...certificates.filter((name) => !keys.includes(name.replace(/\.cert$/, '.key'))),
    ...keys.filter((name) => !certificates.includes(name.replace(/\.key$/, '.cert'))),
  ];
  const [certificate, second] = certificates;
  if (lonely[0] !== undefined || second !== undefined) {
    const found = lonely[0] === undefined ? 'two client certificates' : `"${lonely[0]}" without its other half`;
    throw new OnggiError('invalid', `certificates in "${path}": ${found}`, {
      hint: 'Name one pair: NAME.cert and NAME.key.',
    });
  }
  if (certificate === undefined) return { authorities, client: null };
  const key = text(join(path, certificate.replace(/\.cert$/, '.key')));
  return { authorities, client: { certificate: text(join(path, certificate)), key } };
}

function text(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > fileLimit) throw new OnggiError('invalid', `certificate "${path}": over ${fileLimit} bytes`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fromSystemError(error, `read certificate "${path}"`);
  }
}

/** Where distributions keep the bundle (crypto/x509/root_linux.go of Go lists the same). */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * The authorities that the machine trusts, as PEM text, with those of SSL_CERT_FILE in their place and those of
 * NODE_EXTRA_CA_CERTS added; null: there are none, so those that the runtime brings hold.
 */
export function machineAuthorities(environment: Environment): string | null {
  const chosen = environment['SSL_CERT_FILE'];
  const candidates = chosen === undefined || chosen === '' ? bundles : [chosen];
  const bundle = candidates.map(readIfThere).find((found) => found !== undefined);
  if (bundle === undefined) return null;
  const extra = environment['NODE_EXTRA_CA_CERTS'];
  const more = extra === undefined || extra === '' || extra === chosen ? undefined : readIfThere(extra);
  return more === undefined || more === bundle ? bundle : `${bundle}\n${more}`;
}

/** The list that the runtime brings, for a machine that has none. */
export function builtInAuthorities(): string {
  return process.getBuiltinModule('node:tls').rootCertificates.join('\n');
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
