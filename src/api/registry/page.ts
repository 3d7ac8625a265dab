/** Lists in pieces: `n` and `last`, and the `Link` to what follows (distribution 1.1, "Listing Tags"; RFC 5988). Pure. */

export type Page = { readonly limit: number; readonly after: string };

/** Names in one answer when the client does not say, and the most there are. */
const mostNames = 1000;

/** @returns undefined when `n` is not a whole number; more than there can be is as much as there can be */
export function parsePage(query: URLSearchParams): Page | undefined {
  const n = query.get('n');
  const after = (query.get('last') ?? '').slice(0, 256);
  if (n === null || n === '') return { limit: mostNames, after };
  if (!/^[0-9]{1,9}$/.test(n)) return undefined;
  return { limit: Math.min(Number(n), mostNames), after };
}

/** @param found up to one more name than the page holds */
export function onePage(
  found: readonly string[],
  { limit }: Page,
  path: string,
): { readonly names: readonly string[]; readonly headers: Readonly<Record<string, string>> } {
  const names = found.slice(0, limit);
  const last = names.at(-1);
  if (found.length <= limit || last === undefined) return { names, headers: {} };
  const query = new URLSearchParams({ n: String(limit), last });
  return { names, headers: { link: `<${path}?${query}>; rel="next"` } };
}
