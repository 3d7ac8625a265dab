/** A user namespace of a container's own, with all of its ids (user_namespaces(7)). */
export type IdMaps = {
  readonly uids: readonly IdMapLine[];
  readonly gids: readonly IdMapLine[];
};

/** `size` ids from `containerId` on are those from `hostId` on of the machine. */
export type IdMapLine = { readonly containerId: number; readonly hostId: number; readonly size: number };
