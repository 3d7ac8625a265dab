/**
 * Maps of an ordinary user's containers that are not the usual one, in Podman's words (pkg/util, GetKeepIDMapping). Asked for
 * are ids among the user's own, where 0 is the user and the subordinate ids follow from 1 on; what the kernel gets are ids of
 * the machine. Pure.
 */
import { OnggiError } from '../../errors.ts';
import { type IdRange, mappedCount } from '../../kernel/subordinate-ids.ts';
import type { IdMapLine, IdMaps } from '../types/user-namespace.ts';
import type { Range } from './id-ranges.ts';

/** The user is `uid:gid` inside, the subordinate ids are around it. @throws OnggiError `not-found` without such ids */
export function keepIdMaps(own: IdMaps, { uid, gid }: { readonly uid: number; readonly gid: number }): IdMaps {
  return { uids: keepId(own.uids, uid, 'uid'), gids: keepId(own.gids, gid, 'gid') };
}

function keepId(own: readonly IdRange[], id: number, kind: 'uid' | 'gid'): IdMapLine[] {
  const count = subordinateCount(own, kind, id === 0 ? 0 : 1);
  const lines = [
    { containerId: 0, hostId: 1, size: Math.min(id, count) },
    { containerId: id, hostId: 0, size: 1 },
    { containerId: id + 1, hostId: id + 1, size: Math.max(count - id, 0) },
  ];
  return lines.filter(({ size }) => size > 0).flatMap((line) => toMachineIds(line, own, kind));
}

/** The user is nobody inside. @throws OnggiError `not-found` */
export function noMaps(own: IdMaps): IdMaps {
  const map = (lines: readonly IdRange[], kind: 'uid' | 'gid'): IdMapLine[] =>
    toMachineIds({ containerId: 0, hostId: 1, size: subordinateCount(lines, kind, 1) }, lines, kind);
  return { uids: map(own.uids, 'uid'), gids: map(own.gids, 'gid') };
}

/** Lines that were asked for, as ids of the machine. @throws OnggiError `invalid` for ids that are not the user's */
export function ownMaps(own: IdMaps, asked: IdMaps): IdMaps {
  const map = (lines: readonly IdMapLine[], of: readonly IdRange[], kind: 'uid' | 'gid'): IdMapLine[] =>
    lines.flatMap((line) => toMachineIds(line, of, kind));
  return { uids: map(asked.uids, own.uids, 'uid'), gids: map(asked.gids, own.gids, 'gid') };
}

/** The subordinate ids alone. @throws OnggiError `not-found` */
export function subordinateRanges(own: readonly IdRange[], kind: 'uid' | 'gid'): Range[] {
  subordinateCount(own, kind, 1);
  return own.slice(1).map(({ hostId, size }) => ({ first: hostId, size }));
}

function subordinateCount(own: readonly IdRange[], kind: 'uid' | 'gid', least: number): number {
  const count = mappedCount(own) - 1;
  if (count >= least) return count;
  throw new OnggiError('not-found', `user namespace: you have no ids in /etc/sub${kind}`, {
    hint: 'Add ranges: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER; and install newuidmap (Debian: uidmap).',
  });
}

/** A line whose `hostId` is among the user's own ids, cut where their ranges end. @throws OnggiError `invalid` */
function toMachineIds(line: IdMapLine, own: readonly IdRange[], kind: 'uid' | 'gid'): IdMapLine[] {
  const lines: IdMapLine[] = [];
  for (let done = 0; done < line.size; ) {
    const at = line.hostId + done;
    const range = own.find(({ containerId, size }) => at >= containerId && at < containerId + size);
    if (range === undefined) {
      throw new OnggiError('invalid', `${kind}map: id ${at} is none of yours, which are 0 to ${mappedCount(own) - 1}`, {
        hint: `0 is yourself, the others are those of /etc/sub${kind}.`,
      });
    }
    const size = Math.min(line.size - done, range.containerId + range.size - at);
    lines.push({ containerId: line.containerId + done, hostId: range.hostId + at - range.containerId, size });
    done += size;
  }
  return lines;
}
