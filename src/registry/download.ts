/** One file from a web server, by the routes of this machine: its proxies and the authorities that it trusts. */
import { type Code, OnggiError } from '../errors.ts';
import { type Connection, connect, defaultConnectionLimits } from './connection.ts';
import { connectionFailure } from './failure.ts';
import { mayFollow } from './host.ts';
import type { Routes } from './route.ts';

const redirectLimit = 5;

/**
 * The bytes of what `address` leads to. A user and password in it are shown to its own server alone (basic
 * authentication); errors show neither those nor what follows a "?".
 * @throws OnggiError `invalid` (address), `not-found`, `denied`, `unavailable`, `unsupported` (redirects), `cancelled`
 */
export async function* download(
  routes: Routes,
  address: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined) throw new OnggiError('invalid', 'download: no address');
  const what = `download "${url.origin}${url.pathname}"`;
  try {
    using connection = await follow(routes, url, what, signal);
    for (let piece = await connection.read(); piece !== undefined; piece = await connection.read()) yield piece;
  } catch (error) {
    if (signal?.aborted) throw new OnggiError('cancelled', `${what}: cancelled`, { cause: signal.reason });
    if (error instanceof OnggiError && error.message.startsWith(what)) throw error;
    throw connectionFailure({ what, host: url.host, error, reached: false }).error;
  }
}

async function follow(routes: Routes, start: URL, what: string, signal: AbortSignal | undefined): Promise<Connection> {
  const authorization = basicOf(start);
  for (let url = bare(start), redirects = 0; ; redirects += 1) {
    const own = authorization !== undefined && url.origin === start.origin;
    const headers = { accept: '*/*', ...(own && { authorization }) };
    const way = { limits: defaultConnectionLimits, route: routes(url) };
    const connection = await connect(url, { method: 'GET', headers }, way, signal);
    const { status } = connection;
    if (status === 200) return connection;
    connection[Symbol.dispose]();
    const location = connection.headers.get('location');
    if (status < 301 || status > 308 || location === null)
      throw new OnggiError(codeOf(status), `${what}: "${url.host}" answered ${status}`);
    if (redirects === redirectLimit) throw new OnggiError('unsupported', `${what}: over ${redirectLimit} redirects`);
    if (!URL.canParse(location, url)) throw new OnggiError('unavailable', `${what}: a redirect to no address`);
    const target = new URL(location, url);
    const secure = url.protocol === 'https:';
    if (!/^https?:$/.test(target.protocol) || (secure && !mayFollow(url, target)))
      throw new OnggiError('denied', `${what}: "${url.host}" redirects to "${target.origin}", which is not https`);
    url = bare(target);
  }
}

function bare(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain;
}

function basicOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

function codeOf(status: number): Code {
  if (status === 404 || status === 410) return 'not-found';
  if (status === 401) return 'unauthorized';
  return status === 403 ? 'denied' : 'unavailable';
}
