/**
 * One HTTP request and the beginning of its answer, in the way of the runtime: fetch() of Bun takes proxies, authorities
 * and client certificates for each request; that of Node does not, so there node:http and node:https do it.
 * Nothing is decompressed: blobs are kept as they are sent.
 */
import type { IncomingMessage, RequestOptions } from 'node:http';
import type { AgentOptions } from 'node:https';
import { unsupported } from '../errors.ts';
import type { Route } from './route.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type RequestInit = {
  readonly method: Method;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Body;
};

/** What is sent: text, bytes, or as many bytes as `size` says. */
export type Body = string | Uint8Array | { readonly size: number; readonly chunks: AsyncIterable<Uint8Array> };

export type Exchange = {
  readonly status: number;
  readonly headers: Headers;
  /** The next piece of the body; undefined after the last one. */
  read(): Promise<Uint8Array | undefined>;
};

/** @throws what the runtime throws when the connection breaks, here and in `read` */
export function exchange(url: URL, init: RequestInit, route: Route, signal: AbortSignal): Promise<Exchange> {
  const body = init.body;
  const headers = { ...init.headers };
  if (typeof body === 'object' && 'chunks' in body) headers['content-length'] = String(body.size);
  const complete = { ...init, headers };
  return 'bun' in process.versions
    ? exchangeByFetch(url, complete, route, signal)
    : exchangeByNode(url, complete, route, signal);
}

async function exchangeByFetch(url: URL, init: RequestInit, route: Route, signal: AbortSignal): Promise<Exchange> {
  const { method, headers, body } = init;
  const { proxy } = route;
  // What Bun adds to the options of the standard. Without a word about a proxy it would take that of the environment.
  const ofBun = { decompress: false, timeout: false, proxy: proxy ?? false, tls: tlsOptions(route) };
  const sent = typeof body === 'object' && 'chunks' in body ? ReadableStream.from(body.chunks) : body;
  const options = { method, headers, redirect: 'manual', signal, ...(sent !== undefined && { body: sent }), ...ofBun };
  const response = await fetch(url, options as globalThis.RequestInit);
  const reader = response.body?.getReader();
  return {
    status: response.status,
    headers: response.headers,
    read: async () => (reader === undefined ? undefined : (await reader.read()).value),
  };
}

function tlsOptions({ tls }: Route): object {
  const { authorities, client, verify } = tls;
  return {
    rejectUnauthorized: verify,
    ...(authorities !== null && { ca: authorities }),
    ...(client !== null && { cert: client.certificate, key: client.key }),
  };
}

async function exchangeByNode(url: URL, init: RequestInit, route: Route, signal: AbortSignal): Promise<Exchange> {
  const agent = await agentOf(route, url.protocol);
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const options: RequestOptions = { method: init.method, headers: { ...init.headers }, agent, signal };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = request(url, options, resolve);
  outgoing.on('error', reject);
  const { body } = init;
  if (typeof body === 'object' && 'chunks' in body) {
    const { pipeline } = await import('node:stream/promises');
    // When the answer comes first, the rest is not wanted; when nothing comes, 'error' has told why.
    pipeline(body.chunks, outgoing).catch((error: unknown) => reject(error));
  } else outgoing.end(body);
  const answer = await promise;
  const pieces: AsyncIterator<Uint8Array> = answer[Symbol.asyncIterator]();
  return {
    status: answer.statusCode ?? 0,
    headers: headersOf(answer.rawHeaders),
    read: async () => {
      const next = await pieces.next();
      return next.done === true ? undefined : next.value;
    },
  };
}

function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < raw.length; index += 2) headers.append(raw[index] ?? '', raw[index + 1] ?? '');
  return headers;
}

/** Node's, one for each route: connections with different trust must not be mixed up. */
const agents = new WeakMap<Route, Map<string, RequestOptions['agent']>>();

async function agentOf(route: Route, protocol: string): Promise<RequestOptions['agent']> {
  const known = agents.get(route) ?? new Map<string, RequestOptions['agent']>();
  agents.set(route, known);
  if (!known.has(protocol)) known.set(protocol, await makeAgent(route, protocol));
  return known.get(protocol);
}

async function makeAgent(route: Route, protocol: string): Promise<RequestOptions['agent']> {
  const { proxy } = route;
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (proxy !== null && (major < 24 || (major === 24 && minor < 5))) {
    throw unsupported(`a proxy under Node ${process.versions.node}`, 'Node 24.5 and later can use one.');
  }
  const options: AgentOptions = { keepAlive: true, ...tlsOptions(route) };
  // By name, as the environment would: http.Agent of Node 24.5, "proxyEnv".
  const through = proxy === null ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } };
  if (protocol === 'https:') return new (await import('node:https')).Agent({ ...options, ...through } as AgentOptions);
  return new (await import('node:http')).Agent({ ...options, ...through });
}
