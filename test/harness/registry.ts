/** A real registry on loopback (Debian's docker-registry), and a way to put images into it without a client. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, start } from './program.ts';
import { makeScratch } from './scratch.ts';

export type Credentials = { readonly user: string; readonly password: string };

export type Registry = AsyncDisposable & {
  /** "127.0.0.1:PORT". */
  readonly host: string;
  /** Lines of the registry's log, requests included. */
  log(): string;
  /** Stores a blob. @returns its digest */
  putBlob(repository: string, bytes: Uint8Array): Promise<string>;
  /** Stores a manifest or index under a tag or its digest. @returns its digest */
  putManifest(repository: string, reference: string, mediaType: string, manifest: object): Promise<string>;
};

/** Paths of PEM files. */
export type ServerTls = { readonly certificate: string; readonly key: string; readonly clientAuthority?: string };

/**
 * @param credentials wanted of every client (basic authentication); absent: anonymous
 * @param tls https; `clientAuthority`: whoever comes must show a certificate that it signed. Then `putBlob` and
 *   `putManifest` are of no use: fetch() of the test does not trust it.
 */
export async function startRegistry(credentials?: Credentials, tls?: ServerTls): Promise<Registry> {
  await using undo = new AsyncDisposableStack();
  const scratch = undo.use(makeScratch());
  const config = join(scratch.path, 'config.yml');
  writeFileSync(config, configuration(scratch.path, await passwordFile(scratch.path, credentials), tls));
  const server = start('docker-registry', ['serve', config], { timeout: 600_000 });
  undo.defer(async () => {
    server.child.kill('SIGTERM');
    await server.outcome.catch(() => {});
  });
  const host = await listeningAddress(server);
  const headers = credentials === undefined ? {} : { authorization: basic(credentials) };
  const owned = undo.move();
  return {
    host,
    log: () => server.output().stdout + server.output().stderr,
    putBlob: (repository, bytes) => putBlob(`http://${host}/v2/${repository}`, headers, bytes),
    putManifest: async (repository, reference, mediaType, manifest) => {
      const body = JSON.stringify(manifest);
      const url = `http://${host}/v2/${repository}/manifests/${reference}`;
      const response = await fetch(url, { method: 'PUT', headers: { ...headers, 'content-type': mediaType }, body });
      assert.equal(response.status, 201, `PUT ${url}: ${response.status} ${await response.text()}`);
      return digestOf(Buffer.from(body));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function basic({ user, password }: Credentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function configuration(directory: string, passwords: string | undefined, tls: ServerTls | undefined): string {
  const clients = tls?.clientAuthority === undefined ? '' : `, clientcas: [${tls.clientAuthority}]`;
  const secure = tls === undefined ? '' : `, tls: { certificate: ${tls.certificate}, key: ${tls.key}${clients} }`;
  return `version: 0.1
log: { level: info }
storage: { filesystem: { rootdirectory: ${directory}/data }, delete: { enabled: true } }
http: { addr: "127.0.0.1:0"${secure} }
${passwords === undefined ? '' : `auth: { htpasswd: { realm: test, path: ${passwords} } }`}
`;
}

async function passwordFile(directory: string, credentials: Credentials | undefined): Promise<string | undefined> {
  if (credentials === undefined) return undefined;
  // -B: bcrypt, the only form that the registry takes; -C 5: its cheapest, for tests.
  const line = await run('htpasswd', ['-nbB', '-C', '5', credentials.user, credentials.password]);
  assert.equal(line.status, 0, line.stderr);
  writeFileSync(join(directory, 'htpasswd'), line.stdout);
  return join(directory, 'htpasswd');
}

/** The port is the kernel's choice; the registry logs it. */
async function listeningAddress(server: ReturnType<typeof start>): Promise<string> {
  const merged = { get: () => server.output().stderr + server.output().stdout };
  const end = Date.now() + 10_000;
  for (;;) {
    const host = /listening on (127\.0\.0\.1:\d+)/.exec(merged.get())?.[1];
    if (host !== undefined) return host;
    if (server.child.exitCode !== null || Date.now() > end) throw new Error(`docker-registry: ${merged.get()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Distribution specification, "Pushing a blob monolithically". */
async function putBlob(base: string, headers: Record<string, string>, bytes: Uint8Array): Promise<string> {
  const digest = digestOf(bytes);
  const opened = await fetch(`${base}/blobs/uploads/`, { method: 'POST', headers });
  const location = opened.headers.get('location');
  assert.ok(opened.status === 202 && location !== null, `POST ${base}/blobs/uploads/: ${opened.status}`);
  const url = new URL(location, base);
  url.searchParams.set('digest', digest);
  const type = { 'content-type': 'application/octet-stream' };
  const response = await fetch(url, { method: 'PUT', headers: { ...headers, ...type }, body: Buffer.from(bytes) });
  assert.equal(response.status, 201, `PUT ${url}: ${response.status} ${await response.text()}`);
  return digest;
}
