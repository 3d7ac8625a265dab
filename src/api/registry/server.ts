/** A registry on a socket: who may ask, what is asked, what is answered; and its end. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { Content, WritableContent } from '../../engine/content/content.ts';
import { fromSystemError, OnggiError } from '../../errors.ts';
import { type Answer, refuse } from './answer.ts';
import type { Authentication } from './authentication.ts';
import { handle, type Registry } from './handler.ts';
import { send } from './send.ts';
import { makeUploads } from './uploads.ts';

export type ServerOptions = {
  /** "127.0.0.1", "::" */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer; readonly clientCa?: Buffer };
  /** Absent: everybody. */
  readonly authentication?: Authentication;
  /** Bytes of one blob; default 1 TiB. */
  readonly largestBlob?: number;
  readonly limits?: Partial<ServerLimits>;
  /** One line a request. */
  readonly log?: (line: string) => void;
  readonly report: (error: unknown) => void;
};

export type ServerLimits = {
  /** Milliseconds in which the head of a request must come. */
  readonly head: number;
  /** Milliseconds between two pieces of a body, in either direction. */
  readonly stall: number;
  /** Bytes a second on the average of an upload. */
  readonly slowest: number;
  readonly connections: number;
  readonly uploads: number;
  /** Milliseconds for which an upload waits for its next request. */
  readonly uploadKept: number;
};

export type RegistryServer = {
  /** "127.0.0.1:5000" */
  readonly address: string;
  /** Takes no more requests, lets those under way end for at most `grace` ms, then cuts them off. */
  close(grace: number): Promise<void>;
};

const defaultLimits: ServerLimits = {
  head: 20_000,
  stall: 60_000,
  slowest: 1024,
  connections: 1000,
  uploads: 256,
  uploadKept: 3600_000,
};

/** Bytes of the head of a request. */
const largestHead = 16 << 10;
/** Milliseconds for which a connection waits for its next request. */
const keptAlive = 60_000;

/** @throws OnggiError `conflict` (the address is in use), `denied`, `invalid` (certificate, key) */
export async function serveRegistry(
  content: Content,
  writable: WritableContent | null,
  options: ServerOptions,
): Promise<RegistryServer> {
  const limits = { ...defaultLimits, ...options.limits };
  const uploads = makeUploads({ most: limits.uploads, kept: limits.uploadKept });
  const registry: Registry = {
    content,
    writable,
    uploads,
    body: limits,
    largestBlob: options.largestBlob ?? 2 ** 40,
    report: options.report,
  };
  const server = makeServer(options, limits);
  const under = new Set<Promise<void>>();
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const work = serveOne(registry, options, limits, request, response).catch(options.report);
    under.add(work);
    work.finally(() => under.delete(work));
  };
  server.on('request', serve);
  // Not told to go on before it is clear who asks.
  server.on('checkContinue', serve);
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });
  const address = await listen(server, options);
  return {
    address,
    async close(grace) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), grace);
      await Promise.all(under);
      server.closeAllConnections();
      await closed;
      clearTimeout(timer);
      await uploads[Symbol.asyncDispose]();
    },
  };
}

function makeServer({ tls }: ServerOptions, limits: ServerLimits): Server {
  const common = {
    maxHeaderSize: largestHead,
    headersTimeout: limits.head,
    // A body may take long; `bodyPieces` looks after it.
    requestTimeout: 0,
    keepAliveTimeout: keptAlive,
    connectionsCheckingInterval: Math.min(limits.head, 5000),
  };
  try {
    const server = tls === undefined ? createServer(common) : secureServer(common, tls);
    server.maxConnections = limits.connections;
    return server;
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new OnggiError('invalid', `certificate or key: ${found}`, { cause });
  }
}

function secureServer(common: object, { cert, key, clientCa }: NonNullable<ServerOptions['tls']>): Server {
  // Bun would find a wrong key only when it listens.
  createSecureContext({ cert, key });
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return createSecureServer({ ...common, cert, key, ...clients, minVersion: 'TLSv1.2', handshakeTimeout: 10_000 });
}

function listen(server: Server, { host, port }: ServerOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(fromSystemError(error, `listen on "${host}:${port}"`)));
    server.listen(port, host, () => {
      const bound = server.address();
      if (typeof bound !== 'object' || bound === null) return reject(new OnggiError('internal', 'no address'));
      resolve(`${bound.address.includes(':') ? `[${bound.address}]` : bound.address}:${bound.port}`);
    });
  });
}

async function serveOne(
  registry: Registry,
  { authentication, log }: ServerOptions,
  limits: ServerLimits,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const begun = Date.now();
  // Known only while the connection is.
  const from = request.socket.remoteAddress ?? '-';
  request.on('error', () => {});
  response.on('error', () => {});
  const answer =
    strange(request) ?? (await refuseStranger(authentication, request)) ?? (await go(registry, request, response));
  const sent = await send(request, response, answer, limits);
  log?.(logLine(request, from, `${answer.status} ${sent} ${Date.now() - begun} ms`));
}

function go(registry: Registry, request: IncomingMessage, response: ServerResponse): Promise<Answer> {
  if (request.headers.expect !== undefined) {
    response.writeContinue();
    // It will send the body, so its rest can be waited for.
    delete request.headers.expect;
  }
  return handle(registry, request);
}

/** A message that a proxy in front of this server could read as another one (RFC 9112, sections 3.2 and 6.3). */
function strange(request: IncomingMessage): Answer | undefined {
  const names = request.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  const count = (wanted: string): number => names.filter((name) => name === wanted).length;
  const encoding = request.headers['transfer-encoding'];
  const bad = [
    count('host') > 1,
    count('content-length') > 1,
    count('authorization') > 1,
    count('content-length') === 1 && encoding !== undefined,
    encoding !== undefined && encoding.toLowerCase() !== 'chunked',
    request.headers['content-encoding'] !== undefined && request.headers['content-encoding'] !== 'identity',
  ];
  const headers = { connection: 'close' };
  return bad.includes(true)
    ? refuse('UNSUPPORTED', 'a strange head of a request', { status: 400, headers })
    : undefined;
}

/** Before anything of the path is read, so that no way of writing it leads around. */
async function refuseStranger(
  authentication: Authentication | undefined,
  request: IncomingMessage,
): Promise<Answer | undefined> {
  const verdict = (await authentication?.check(request.headers.authorization)) ?? 'granted';
  if (verdict === 'granted') return undefined;
  if (verdict === 'busy') {
    return refuse('TOOMANYREQUESTS', 'too many passwords to check', { headers: { 'retry-after': '2' } });
  }
  const headers = { 'www-authenticate': 'Basic realm="onggi registry", charset="UTF-8"' };
  return refuse('UNAUTHORIZED', 'a user name and password are wanted', { headers });
}

/** The path without its query, which may hold what is not for a log. */
function logLine(request: IncomingMessage, from: string, outcome: string): string {
  const path = (request.url ?? '')
    .split('?')[0]
    ?.replaceAll(/[^!-~]/g, '?')
    .slice(0, 300);
  return `${new Date().toISOString()} ${from} ${request.method} ${path} ${outcome}`;
}
