/** Which ids of the machine a container gets for its own user namespace. Pure. */
import { OnggiError } from '../../errors.ts';
import type { IdMapLine, IdMaps } from '../types/user-namespace.ts';

/** Ids of the machine, `size` of them from `first` on. */
export type Range = { readonly first: number; readonly size: number };

/** What a container without a word on its size gets, if there is so much. */
export const usualSize = 65_536;
/** Fewer are of no use to most images. */
export const leastSize = 1024;

/** Ranges of a name in subuid(5) or subgid(5); lines that are none are passed over. @param names in order of preference */
export function rangesOf(text: string, names: readonly string[]): Range[] {
  for (const name of names) {
    const found = text.split('\n').flatMap((line): Range[] => {
      const [owner, first = '', size = ''] = line.split(':');
      if (owner !== name || !/^\d{1,10}$/.test(first) || !/^\d{1,10}$/.test(size)) return [];
      return Number(first) + Number(size) > 0xffff_ffff || Number(size) === 0
        ? []
        : [{ first: Number(first), size: Number(size) }];
    });
    if (found.length > 0) return found;
  }
  return [];
}

/** All of the ranges, from 0 on, one behind the other. */
export function mapAll(ranges: readonly Range[]): IdMapLine[] {
  let containerId = 0;
  return ranges.map(({ first, size }) => {
    const line = { containerId, hostId: first, size };
    containerId += size;
    return line;
  });
}

/** `size` is what is asked for; undefined: the usual size, or what is left if that is less. `lines` have to be among them. */
export type AutoMap = { readonly size: number | undefined; readonly lines: readonly IdMapLine[] };

/**
 * A map of ids that nobody has, from 0 on, around the lines that have to be in it (Podman's --userns auto).
 * @throws OnggiError `exhausted`
 */
export function autoMap(ranges: readonly Range[], taken: readonly Range[], { size, lines }: AutoMap): IdMapLine[] {
  const inside = lines.map(({ containerId, size }) => ({ first: containerId, size }));
  const open = gapsIn({ first: 0, size: size ?? usualSize }, inside);
  const found = freeRanges(ranges, [...taken, ...rangesIn(lines)], total(open), size === undefined);
  return [...paired(open, found), ...lines].sort((a, b) => a.containerId - b.containerId);
}

/**
 * Parts of the ranges that nobody has: one that is large enough, else several.
 * @param wished if there are not so many, fewer in a row are as good
 */
function freeRanges(ranges: readonly Range[], taken: readonly Range[], wanted: number, wished: boolean): Range[] {
  const gaps = ranges.flatMap((range) => gapsIn(range, taken));
  const found = gaps.find((gap) => gap.size >= wanted);
  if (found !== undefined) return [{ first: found.first, size: wanted }];
  const largest = gaps.toSorted((a, b) => b.size - a.size)[0];
  if (wished && largest !== undefined && largest.size >= leastSize) return [largest];
  const left = total(gaps);
  if (!wished && left >= wanted) return gaps;
  throw new OnggiError('exhausted', `user namespace: ${wanted} ids are asked for, and ${left} are left`, {
    hint: 'Remove containers, ask for fewer with --userns auto:size=N, or add ranges to /etc/subuid and /etc/subgid.',
  });
}

function total(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { size }) => sum + size, 0);
}

/** Ids inside and ids of the machine, in their order, until one of the two has no more. */
function paired(inside: readonly Range[], outside: readonly Range[]): IdMapLine[] {
  const lines: IdMapLine[] = [];
  let [hosts, used] = [0, 0];
  for (const { first, size } of inside) {
    for (let done = 0; done < size; ) {
      const host = outside[hosts];
      if (host === undefined) return lines;
      const count = Math.min(size - done, host.size - used);
      lines.push({ containerId: first + done, hostId: host.first + used, size: count });
      done += count;
      used += count;
      if (used === host.size) [hosts, used] = [hosts + 1, 0];
    }
  }
  return lines;
}

function gapsIn({ first, size }: Range, taken: readonly Range[]): Range[] {
  const gaps: Range[] = [];
  let at = first;
  for (const other of taken.toSorted((a, b) => a.first - b.first)) {
    if (other.first + other.size <= at) continue;
    if (other.first >= first + size) break;
    if (other.first > at) gaps.push({ first: at, size: other.first - at });
    at = Math.max(at, other.first + other.size);
  }
  if (at < first + size) gaps.push({ first: at, size: first + size - at });
  return gaps;
}

/** What containers have. */
export function rangesIn(lines: readonly IdMapLine[]): Range[] {
  return lines.map(({ hostId, size }) => ({ first: hostId, size }));
}

/** @throws OnggiError `invalid` for a map that the kernel would refuse: empty, overlapping, without a root */
export function checkMaps({ uids, gids }: IdMaps): void {
  for (const [what, lines] of [
    ['uidmap', uids],
    ['gidmap', gids],
  ] as const) {
    for (const [index, a] of lines.entries()) {
      for (const b of lines.slice(0, index)) {
        const overlap = (x: number, y: number): boolean => x < y + b.size && y < x + a.size;
        if (!overlap(a.containerId, b.containerId) && !overlap(a.hostId, b.hostId)) continue;
        throw new OnggiError('invalid', `${what}: two of its ranges overlap`);
      }
    }
    if (lines.some(({ containerId }) => containerId === 0)) continue;
    throw new OnggiError('invalid', `${what}: it has no id 0, and a container needs a root`);
  }
}
