/** What pulls and pushes tell on their way. Pure. */
import type { Digest } from '../../oci/digest.ts';

/** Typed events of a pull or import, rendered by the face (STYLE E4). */
export type PullEvent =
  | { readonly type: 'resolved'; readonly reference: string; readonly digest: Digest }
  | { readonly type: 'layer-exists'; readonly digest: Digest }
  | { readonly type: 'layer-progress'; readonly digest: Digest; readonly current: number; readonly total: number }
  | { readonly type: 'layer-done'; readonly digest: Digest }
  | { readonly type: 'done'; readonly id: Digest; readonly upToDate: boolean };

/** Typed events of a push. */
export type PushEvent =
  /** Everything that is wanted is here; the registry is asked from now on. */
  | { readonly type: 'begun'; readonly repository: string }
  | { readonly type: 'preparing'; readonly digest: Digest }
  | { readonly type: 'layer-exists'; readonly digest: Digest }
  | { readonly type: 'layer-mounted'; readonly digest: Digest; readonly from: string }
  | { readonly type: 'layer-progress'; readonly digest: Digest; readonly current: number; readonly total: number }
  | { readonly type: 'layer-done'; readonly digest: Digest }
  /** `size` is that of the manifest. */
  | { readonly type: 'pushed'; readonly tag: string; readonly digest: Digest; readonly size: number }
  /** The name stands for an index here, but not all of it is here: one image of it was pushed. */
  | { readonly type: 'index-left-out'; readonly index: Digest; readonly digest: Digest };
