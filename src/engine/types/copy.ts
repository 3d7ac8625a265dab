/** What is copied from and to. Paths of the host are absolute; a slash or "/." at the end means something. */
export type CopyPlace = { readonly container: string | null; readonly path: string };

/** A tar archive. */
export type CopySource = CopyPlace | { readonly archive: AsyncIterable<Uint8Array> };
export type CopyTarget = CopyPlace | { readonly write: (bytes: Uint8Array) => Promise<void> };

export type CopyOptions = {
  /** Of a source that is a symbolic link: what it leads to. */
  readonly followLink?: boolean;
  /**
   * Into a container: everything belongs to its user. Out of one: owners, devices, set-id bits and capabilities come
   * along, which else stay behind.
   */
  readonly archive?: boolean;
  readonly signal?: AbortSignal;
  /** Called with the bytes of the archive so far. */
  readonly onProgress?: (bytes: number) => void;
};

/** `bytes` of the archive that went from one to the other. */
export type Copied = { readonly bytes: number };
