/** A user namespace of a container's own, with all of its ids (user_namespaces(7)). */
export type IdMaps = {
  readonly uids: readonly IdMapLine[];
  readonly gids: readonly IdMapLine[];
};

/** `size` ids from `containerId` on are those from `hostId` on of the machine. */
export type IdMapLine = { readonly containerId: number; readonly hostId: number; readonly size: number };

/** What ids a container has. Absent: as "host", which are those of the machine, and for an ordinary user its own set. */
export type UserNamespaceMode =
  | 'host'
  /** Those of "dockremap" in subuid(5) and subgid(5), the same for all such containers. */
  | 'remap'
  | `container:${string}`
  | AutoNamespace
  | { readonly kind: 'maps'; readonly uids: readonly IdMapLine[]; readonly gids: readonly IdMapLine[] }
  /** Those of names in subuid(5) and subgid(5). */
  | { readonly kind: 'subordinate'; readonly user: string; readonly group: string }
  /** An ordinary user's: it is itself inside, or these. */
  | { readonly kind: 'keep-id'; readonly uid?: number; readonly gid?: number }
  /** An ordinary user's: it is nobody inside. */
  | { readonly kind: 'nomap' };

/** Some ids that no other container has, `size` of them, and these: of an ordinary user its own ones, 0 is itself. */
export type AutoNamespace = {
  readonly kind: 'auto';
  readonly size?: number;
  readonly uids?: readonly IdMapLine[];
  readonly gids?: readonly IdMapLine[];
};
