/** Telling what happens to images, with their labels. */
import type { Digest } from '../../oci/digest.ts';
import { familiarName, familiarRepository, parseReference } from '../../oci/reference.ts';
import type { Store } from '../../store/store.ts';
import { readImageConfig } from '../image/view.ts';
import { emit } from './emit.ts';
import { imageNews } from './news.ts';

/** Of one whose config can't be read any more: none. */
function labelsOf(store: Store, id: Digest): Readonly<Record<string, string>> {
  try {
    return readImageConfig(store, id).value.process.labels;
  } catch {
    return {};
  }
}

/** @param name what the event calls it; its id if absent */
export function emitImage(store: Store, action: string, id: Digest, name: string = id): void {
  const news = imageNews(action, id, name);
  emit(store, { ...news, attributes: { ...labelsOf(store, id), ...news.attributes } });
}

/** A pull or push is about a name: it stands where the id does in other events, as with Docker. */
export function emitTransfer(store: Store, action: 'pull' | 'push', reference: string, id: Digest | null): void {
  const parsed = parseReference(reference);
  const labels = id === null ? {} : labelsOf(store, id);
  const news = imageNews(action, familiarName(parsed), familiarRepository(parsed));
  emit(store, { ...news, attributes: { ...labels, ...news.attributes } });
}
