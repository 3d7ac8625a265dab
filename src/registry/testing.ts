/** A registry on loopback that answers as a test wants, lies included. Not loaded by the product. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type Code, OnggiError } from '../errors.ts';
import { openRepository, type Repository, type RepositoryOptions } from './repository.ts';

export type Request = {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

export type Answer = (request: Request, response: ServerResponse) => void;

export type TestServer = AsyncDisposable & {
  /** "127.0.0.1:PORT" */
  readonly host: string;
  /** What came, without the first question of each client whether this is a registry at all. */
  readonly requests: readonly Request[];
};

/**
 * @param address another loopback address makes another host
 * @param tls key and certificate; absent: plain http
 */
export async function serve(
  answer: Answer,
  address = '127.0.0.1',
  tls?: { readonly key: Buffer; readonly cert: Buffer },
): Promise<TestServer> {
  const requests: Request[] = [];
  const listener = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const { method = '', url = '', headers } = incoming;
    const request = { method, path: url, headers, body };
    if (url === '/v2/') {
      response.end('{}');
      return;
    }
    requests.push(request);
    answer(request, response);
  };
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return {
    host: `${address}:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Limits and delays so short that a test of them takes no time. */
export const impatient = {
  limits: { answer: 300, stall: 300, commit: 300 },
  retry: { attempts: 3, firstDelay: 1, longestDelay: 2, longestWait: 1500 },
} as const satisfies RepositoryOptions;

/** The repository "app" of a server. */
export function testRepository(host: string, options: RepositoryOptions = {}): Repository {
  return openRepository(host, 'app', { ...impatient, ...options });
}

export function sendJson(response: ServerResponse, status: number, body: object, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** For assert.rejects and assert.throws: an OnggiError of this code whose message matches. */
export function failsWith(code: Code, message: RegExp = /./): (error: unknown) => boolean {
  return (error) => {
    const fits = error instanceof OnggiError && error.code === code && message.test(error.message);
    if (!fits) throw error;
    return true;
  };
}
