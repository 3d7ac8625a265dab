/**
 * A registry server of a test's own: once as the library in this process (Node), once as the compiled program (Bun). Each
 * test of the server runs on both.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { passwordAuthentication } from '../../src/api/registry/authentication.ts';
import { type ServerOptions, serveRegistry } from '../../src/api/registry/server.ts';
import { openCache, openContent } from '../../src/engine/content/content.ts';
import { makeContext } from '../../src/engine/context.ts';
import { start } from '../harness/program.ts';
import { makeScratch } from '../harness/scratch.ts';
import { storeLeaks } from '../harness/store-leaks.ts';
import { binary } from '../harness/system-test.ts';

export type Asked = {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
};

export type Answered = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Code of the first error. */
  readonly code: string | undefined;
};

export type Place = {
  /** "127.0.0.1:PORT" */
  readonly host: string;
  /** Of the store. */
  readonly root: string;
  readonly scratch: string;
  ask(method: string, path: string, asked?: Asked): Promise<Answered>;
  /** Pushes a blob in one request. @returns its digest */
  blob(repository: string, bytes: string | Uint8Array): Promise<string>;
  /** Pushes an image of one layer under a tag, or none. */
  image(repository: string, tag: string | null, layer?: string): Promise<Pushed>;
  /** Sends bytes as they are and gives what comes back until the connection is closed or quiet. */
  raw(bytes: string, quiet?: number): Promise<string>;
};

export type Pushed = {
  readonly digest: string;
  readonly config: string;
  readonly layer: string;
  readonly bytes: string;
};

export type PlaceOptions = {
  readonly images?: boolean;
  readonly readOnly?: boolean;
  /** A file made by the test in `scratch`. */
  readonly htpasswd?: string;
  readonly proxy?: string;
  readonly limits?: ServerOptions['limits'];
  readonly largestBlob?: number;
};

/** How it is served. */
export type Way = 'library' | 'program';

/** Defines the test twice. Limits that no flag sets are for the library alone: then there is one test. */
export function registryTest(name: string, options: PlaceOptions, body: (place: Place) => Promise<void>): void {
  const ways: readonly Way[] = options.limits === undefined ? ['library', 'program'] : ['library'];
  for (const way of ways) {
    test(`${name} (${way})`, { timeout: 60_000 }, async () => {
      await using scratch = makeScratch();
      {
        await using place = await openPlace(way, scratch.path, options);
        await body(place);
      }
      assert.deepEqual(storeLeaks(join(scratch.path, 's')), []);
    });
  }
}

/** A server whose store is SCRATCH/s; it may have been there before. */
export async function openPlace(
  way: Way,
  scratch: string,
  options: PlaceOptions = {},
): Promise<Place & AsyncDisposable> {
  mkdirSync(scratch, { recursive: true });
  const root = join(scratch, 's');
  const { host, end } = way === 'library' ? await fromLibrary(root, options) : await fromProgram(root, options);
  const ask: Place['ask'] = async (method, path, asked = {}) => {
    const url = new URL(path, `http://${host}`);
    const body = typeof asked.body === 'string' ? asked.body : asked.body && Buffer.from(asked.body);
    const response = await fetch(url, { method, headers: asked.headers ?? {}, ...(body !== undefined && { body }) });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, code: codeOf(text) };
  };
  const blob: Place['blob'] = async (repository, bytes) => {
    const digest = digestOf(bytes);
    const answer = await ask('POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: bytes });
    assert.equal(answer.status, 201, answer.text);
    return digest;
  };
  return {
    host,
    root,
    scratch,
    ask,
    blob,
    async image(repository, tag, layer = 'layer') {
      const config = '{"os":"linux"}';
      const digests = { config: await blob(repository, config), layer: await blob(repository, layer) };
      const bytes = JSON.stringify({
        schemaVersion: 2,
        mediaType: manifestType,
        config: { mediaType: configType, digest: digests.config, size: config.length },
        layers: [{ mediaType: layerType, digest: digests.layer, size: Buffer.byteLength(layer) }],
      });
      const digest = digestOf(bytes);
      const headers = { 'content-type': manifestType };
      const answer = await ask('PUT', `/v2/${repository}/manifests/${tag ?? digest}`, { headers, body: bytes });
      assert.equal(answer.status, 201, answer.text);
      return { digest, ...digests, bytes };
    },
    raw: (bytes, quiet = 1000) => converse(host, bytes, quiet),
    [Symbol.asyncDispose]: end,
  };
}

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
export const indexType = 'application/vnd.oci.image.index.v1+json';
export const configType = 'application/vnd.oci.image.config.v1+json';
export const layerType = 'application/vnd.oci.image.layer.v1.tar';

export function digestOf(bytes: string | Uint8Array, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

type Serving = { readonly host: string; end(): Promise<void> };

async function fromLibrary(root: string, options: PlaceOptions): Promise<Serving> {
  const context = makeContext({ root });
  const { proxy, htpasswd } = options;
  const noConfig = join(root, 'no-config.json');
  const cache =
    proxy === undefined ? undefined : await openCache(context, { registry: proxy, credentialsFile: noConfig });
  const content = cache === undefined ? await openContent(context, { images: options.images ?? false }) : undefined;
  const report = (): void => {};
  const writable = options.readOnly ? null : (content ?? null);
  const server = await serveRegistry(content ?? cache ?? assert.fail(), writable, {
    host: '127.0.0.1',
    port: 0,
    report,
    ...(options.limits !== undefined && { limits: options.limits }),
    ...(options.largestBlob !== undefined && { largestBlob: options.largestBlob }),
    ...(htpasswd !== undefined && { authentication: passwordAuthentication(htpasswd, report) }),
  });
  return {
    host: server.address,
    async end() {
      await server.close(1000);
      context.close();
    },
  };
}

async function fromProgram(root: string, options: PlaceOptions): Promise<Serving> {
  const flags = [
    ...(options.images ? ['--images'] : []),
    ...(options.readOnly ? ['--read-only'] : []),
    ...(options.htpasswd === undefined ? [] : ['--htpasswd', options.htpasswd]),
    ...(options.proxy === undefined ? [] : ['--proxy', options.proxy]),
    ...(options.largestBlob === undefined ? [] : ['--max-blob-size', String(options.largestBlob)]),
  ];
  const server = start(binary, ['--root', root, 'registry', 'serve', '--address', '127.0.0.1:0', ...flags], {
    env: { DOCKER_CONFIG: root },
  });
  const [, host = ''] = await server.printed(/^Serving on http:\/\/(\S+)$/m);
  return {
    host,
    async end() {
      server.child.kill('SIGTERM');
      const { status, stderr } = await server.outcome;
      assert.equal(status, 0, stderr);
    },
  };
}

function codeOf(text: string): string | undefined {
  try {
    return JSON.parse(text).errors?.[0]?.code;
  } catch {
    return undefined;
  }
}

function converse(host: string, bytes: string, quiet: number): Promise<string> {
  const [address = '', port = ''] = host.split(':');
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), address);
    const end = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(quiet, end);
    socket.on('data', (piece) => (text += piece.toString('latin1')));
    socket.on('error', end);
    socket.on('close', end);
    socket.write(bytes, 'latin1');
  });
}
