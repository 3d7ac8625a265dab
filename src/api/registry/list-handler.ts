/** Lists: repositories, tags, referrers. */
import type { Content } from '../../engine/content/content.ts';
import type { Digest } from '../../oci/digest.ts';
import { mediaTypes } from '../../oci/image-spec.ts';
import { type Answer, answer, json, refuse } from './answer.ts';
import type { Call } from './handler.ts';
import { onePage, parsePage } from './page.ts';

export async function catalog(content: Content, { path, query }: Call): Promise<Answer> {
  const page = parsePage(query);
  if (page === undefined) return badPage;
  const found = page.limit === 0 ? [] : await content.repositories(page.after, page.limit + 1);
  const { names, headers } = onePage(found, page, path);
  return json({ repositories: names }, headers);
}

export async function tagList(
  content: Content,
  { repository }: { readonly repository: string },
  { path, query }: Call,
): Promise<Answer> {
  const page = parsePage(query);
  if (page === undefined) return badPage;
  const found = await content.tags(repository, page.after, page.limit + 1);
  if (found === undefined) return refuse('NAME_UNKNOWN', `no repository "${repository}"`);
  const { names, headers } = onePage(found, page, path);
  return json({ name: repository, tags: names }, headers);
}

const badPage = refuse('UNSUPPORTED', 'the number of names ("n") is not a whole number', { status: 400 });

/** An index, whether the subject is there or not; by its type it says that this registry has referrers at all. */
export async function referrers(
  content: Content,
  { repository, digest }: { readonly repository: string; readonly digest: Digest },
  { query }: Call,
): Promise<Answer> {
  const wanted = query.get('artifactType');
  const found = await content.referrers(repository, digest);
  const manifests = found
    .filter(({ artifactType }) => wanted === null || artifactType === wanted)
    .map(({ mediaType, digest, size, artifactType, annotations }) => ({
      mediaType,
      digest,
      size,
      ...(artifactType !== null && { artifactType }),
      ...(annotations !== null && { annotations }),
    }));
  const body = { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
  const applied = wanted === null ? {} : { 'oci-filters-applied': 'artifactType' };
  return answer(200, { 'content-type': mediaTypes.index, ...applied }, Buffer.from(JSON.stringify(body)));
}
