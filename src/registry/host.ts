/** Where the registry of a reference answers. Pure. */

/** The registry that people call docker.io answers under another name (Docker's own default index). */
const aliases: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

/**
 * Origins ("https://host:port") at which a registry may answer, the likelier first. Everything is https, but a
 * registry on this very machine, where Docker allows plain http too (its "insecure registries" hold 127.0.0.0/8 and
 * ::1 by default): there nobody between the two can read or change anything.
 */
export function originsOf(registry: string): readonly string[] {
  const host = aliases[registry] ?? registry;
  return isLoopback(new URL(`https://${host}`)) ? [`http://${host}`, `https://${host}`] : [`https://${host}`];
}

/** Whether what answers there is this machine, told by the address or the name "localhost" alone. */
export function isLoopback(url: URL): boolean {
  // URL has normalised the other spellings of addresses ("127.1", "[0:0::1]") already.
  const { hostname } = url;
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/**
 * Whether to go to `target` when `from` says so, by a redirect or as the realm of its tokens: never from https to
 * plain http, and in plain http only from loopback to loopback.
 */
export function mayFollow(from: URL, target: URL): boolean {
  if (target.username !== '' || target.password !== '') return false;
  if (target.protocol === 'https:') return true;
  return target.protocol === 'http:' && from.protocol === 'http:' && isLoopback(from) && isLoopback(target);
}
