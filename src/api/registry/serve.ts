/** The face that `onggi registry serve` uses: files and words become a running registry. */
import { readFileSync } from 'node:fs';
import type { Engine } from '../../engine/index.ts';
import { fromSystemError, OnggiError } from '../../errors.ts';
import { passwordAuthentication } from './authentication.ts';
import { type RegistryServer, serveRegistry } from './server.ts';

export type ServeOptions = {
  readonly host: string;
  readonly port: number;
  /** Offer the images of this machine as well. */
  readonly images: boolean;
  readonly readOnly: boolean;
  /** The registry to be a cache of: "docker.io". */
  readonly proxy?: string | undefined;
  /** Paths of PEM files and of a password file. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly clientCa?: string | undefined;
  readonly htpasswd?: string | undefined;
  /** Bytes. */
  readonly largestBlob?: number | undefined;
  readonly log?: (line: string) => void;
  readonly report: (error: unknown) => void;
};

/** @throws OnggiError `invalid`, `not-found` and `denied` (files), `conflict` (the address is in use) */
export async function serve(engine: Pick<Engine, 'content' | 'cache'>, options: ServeOptions): Promise<RegistryServer> {
  const { host, port, cert, key, clientCa, htpasswd, proxy, report, log, largestBlob } = options;
  if ((cert === undefined) !== (key === undefined)) {
    throw new OnggiError('invalid', 'a certificate needs its key, and a key its certificate');
  }
  if (clientCa !== undefined && cert === undefined) {
    throw new OnggiError('invalid', 'certificates of clients need TLS', { hint: 'Add --cert and --key.' });
  }
  const tls = cert !== undefined &&
    key !== undefined && {
      cert: readPem(cert),
      key: readPem(key),
      ...(clientCa !== undefined && { clientCa: readPem(clientCa) }),
    };
  const server = {
    host,
    port,
    report,
    ...(tls && { tls }),
    ...(htpasswd !== undefined && { authentication: passwordAuthentication(htpasswd, report) }),
    ...(log !== undefined && { log }),
    ...(largestBlob !== undefined && { largestBlob }),
  };
  if (proxy !== undefined) return await serveRegistry(await engine.cache({ registry: proxy }), null, server);
  const hosts = [...new Set([host, 'localhost', '127.0.0.1'])].map((name) => `${name}:${port}`);
  const content = await engine.content({ images: options.images, hosts });
  return await serveRegistry(content, options.readOnly ? null : content, server);
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fromSystemError(error, `read "${path}"`);
  }
}
