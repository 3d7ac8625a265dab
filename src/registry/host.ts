/** Where the registry of a reference answers. Pure. */
import { OnggiError } from '../errors.ts';

/** The registry that people call docker.io answers under another name (Docker's own default index). */
const aliases: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

/** The host that serves what references call `registry`. */
export function hostOfRegistry(registry: string): string {
  return aliases[registry] ?? registry;
}

/** @throws OnggiError `invalid` for what looks like a host and port and can't be: a port over 65535, "1.2.3.400" */
export function urlOfHost(host: string): URL {
  const text = `https://${host}`;
  if (URL.canParse(text)) return new URL(text);
  throw new OnggiError('invalid', `registry "${host}": no host and port that there can be`);
}

/**
 * Origins ("https://host:port") at which a host may answer, the likelier first. Everything is https, but a registry on
 * this very machine, where Docker allows plain http too (its "insecure registries" hold 127.0.0.0/8 and ::1 by
 * default): there nobody between the two can read or change anything. One that is configured as insecure is asked by
 * https first.
 * @throws as `urlOfHost`
 */
export function originsOf(host: string, insecure = false): readonly string[] {
  const [plain, secure] = [`http://${host}`, `https://${host}`];
  if (isLoopback(urlOfHost(host))) return [plain, secure];
  return insecure ? [secure, plain] : [secure];
}

/** Whether what answers there is this machine, told by the address or the name "localhost" alone. */
export function isLoopback(url: URL): boolean {
  // URL has normalised the other spellings of addresses ("127.1", "[0:0::1]") already.
  const { hostname } = url;
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/**
 * Whether to go to `target` when `from` says so, by a redirect, as the realm of its tokens, as the place of an upload
 * or as the next page: never from https to plain http, and in plain http only from loopback to loopback, or to a host
 * that is configured as insecure.
 */
export function mayFollow(from: URL, target: URL, insecure = false): boolean {
  if (target.username !== '' || target.password !== '') return false;
  if (target.protocol === 'https:') return true;
  if (target.protocol !== 'http:' || from.protocol !== 'http:') return false;
  return insecure || (isLoopback(from) && isLoopback(target));
}
