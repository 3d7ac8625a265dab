/** How an image says that it came about: the `history` of its config (config.md), for people to read and nothing else. */
import * as v from 'valibot';
import { OnggiError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import { maxManifestSize } from '../oci/image-spec.ts';
import { readBlob } from '../store/blob.ts';
import { layersOfImage } from '../store/layer-row.ts';
import type { Store } from '../store/store.ts';

export type HistoryStep = {
  /** Milliseconds since the epoch; 0 when the image does not say. */
  readonly created: number;
  readonly createdBy: string;
  readonly author: string;
  readonly comment: string;
  /** Bytes of the layer that it made, 0 for none. */
  readonly size: number;
};

const text = v.nullish(v.pipe(v.string(), v.maxLength(1024 * 1024)), '');
const schema = v.object({
  history: v.nullish(
    v.pipe(
      v.array(
        v.object({
          created: text,
          created_by: text,
          author: text,
          comment: text,
          empty_layer: v.nullish(v.boolean(), false),
        }),
      ),
      v.maxLength(10_000),
    ),
    [],
  ),
});

/** Oldest first. @throws OnggiError `corrupt`, `not-found` (blob) */
export function readHistory(store: Store, id: Digest): HistoryStep[] {
  const parsed = v.safeParse(schema, JSON.parse(readBlob(store.layout, id, maxManifestSize).toString()));
  if (!parsed.success)
    throw new OnggiError('corrupt', `image config "${id}": field "history": ${parsed.issues[0].message}`);
  const layers = layersOfImage(store.database, id).values();
  return parsed.output.history.map(({ created, created_by, author, comment, empty_layer }) => {
    const time = Date.parse(created ?? '');
    return {
      created: Number.isNaN(time) ? 0 : time,
      createdBy: created_by ?? '',
      author: author ?? '',
      comment: comment ?? '',
      size: empty_layer === true ? 0 : (layers.next().value?.size ?? 0),
    };
  });
}
