/** The next page of a list: the Link header (RFC 8288), as registries use it. Pure. */
import { OnggiError } from '../errors.ts';

/**
 * The address of the next page; null after the last one.
 * @param from where this page came from
 * @throws OnggiError `denied` when it leads to another host: the list is the registry's, and so are our credentials
 */
export function nextPage(header: string | null, from: URL, what: string): URL | null {
  for (const part of (header ?? '').slice(0, 8192).split(/,(?=\s*<)/)) {
    const match = /^\s*<([^>]*)>\s*;(.*)$/s.exec(part);
    const [, target = '', parameters = ''] = match ?? [];
    if (!/(?:^|;)\s*rel\s*=\s*(?:"next"|next)\s*(?:;|$)/i.test(parameters)) continue;
    const next = URL.canParse(target, from) ? new URL(target, from) : undefined;
    if (next !== undefined && next.origin === from.origin && next.username === '') return next;
    // Registries behind a proxy that speaks TLS for them name themselves by http; path and query are what counts.
    if (next !== undefined && next.host === from.host && next.username === '') {
      return new URL(`${next.pathname}${next.search}`, from.origin);
    }
    throw new OnggiError('denied', `${what}: the next page is at "${next?.origin ?? target.slice(0, 100)}"`, {
      hint: `The registry at "${from.host}" must list what it has itself.`,
    });
  }
  return null;
}
