import type { Digest } from '../../oci/digest.ts';
import type { ContainerId } from '../types.ts';

/** A root file system that is mounted on the host, in the mount namespace of who asks. */
export type MountedContainer = { readonly id: ContainerId; readonly name: string; readonly path: string };

/** @property names familiar ones, "nginx:latest" */
export type MountedImage = { readonly id: Digest; readonly names: readonly string[]; readonly path: string };

/** An image at a path of a container. */
export type ImageMount = {
  readonly type: 'image';
  /** A name or an id. */
  readonly source: string;
  /** The id of the image, as it was when the container was made; set by the engine. */
  readonly id?: Digest;
  readonly target: string;
  /** What is written is the container's own, and goes with it. */
  readonly readOnly: boolean;
  /** Path inside the image that is mounted instead of all of it. */
  readonly subpath?: string;
  /** As with a bind. */
  readonly byMount?: true;
};
