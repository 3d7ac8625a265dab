/** The ids that an ordinary user may map into its user namespaces: its own, and those of subuid(5). Pure. */

/** A line of a map: as user_namespaces(7) has it. */
export type IdRange = { readonly containerId: number; readonly hostId: number; readonly size: number };

/** An ordinary user, and what it can map. Without the programs that map other ids it can map its own alone. */
export type Unprivileged = {
  readonly uid: number;
  readonly gid: number;
  readonly helpers: { readonly uid: string; readonly gid: string } | null;
};

/** The last id is no id: -1 means "leave as it is" (chown(2)). */
const afterLastId = 2 ** 32 - 1;
/** user_namespaces(7): lines of a map since Linux 4.15. */
const mostLines = 340;

/**
 * The map that a container of a user gets: root is the user itself, the ids from 1 up are those of its ranges, one
 * behind the other.
 *
 * @param text of /etc/subuid or /etc/subgid; lines that are none are passed over, as newuidmap does
 * @param user lines may have its name or its number, for groups too
 * @param own its user or group id
 */
export function mapOfUser(
  text: string,
  user: { readonly name: string | undefined; readonly uid: number },
  own: number,
): IdRange[] {
  const map: IdRange[] = [{ containerId: 0, hostId: own, size: 1 }];
  let next = 1;
  for (const line of text.split('\n')) {
    const [owner, first, count] = line.split(':');
    if (owner !== user.name && owner !== String(user.uid)) continue;
    const [hostId, size] = [idNumber(first), idNumber(count)];
    if (hostId === undefined || size === undefined || size === 0 || hostId + size > afterLastId) continue;
    if (map.length === mostLines || next + size > afterLastId) break;
    map.push({ containerId: next, hostId, size });
    next += size;
  }
  return map;
}

/** Name of a user by passwd(5). */
export function userName(passwd: string, uid: number): string | undefined {
  for (const line of passwd.split('\n')) {
    const [name, , id] = line.split(':');
    if (id === String(uid) && name !== '') return name;
  }
  return undefined;
}

/** How many ids, from 0 up, a map knows inside. */
export function mappedCount(map: readonly IdRange[]): number {
  return map.reduce((sum, { size }) => sum + size, 0);
}

function idNumber(word: string | undefined): number | undefined {
  if (word === undefined || !/^\d{1,10}$/.test(word)) return undefined;
  const value = Number(word);
  return value < afterLastId ? value : undefined;
}
