/** `--userns`, `--uidmap` and `--gidmap`. Pure. */
import type { IdMapLine, UserNamespaceMode } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { parseJoined } from './namespace.ts';

/** A namespace that the other flags describe, in Podman's word. */
export type AskedUserNamespace = UserNamespaceMode | 'private';

/** @throws OnggiError `invalid` */
export function parseUserNamespace(text: string): AskedUserNamespace {
  if (text === '' || text === 'host') return 'host';
  if (text === 'remap' || text === 'private') return text;
  const joined = parseJoined(text);
  if (joined !== undefined) return joined;
  const [kind = '', words = ''] = split(text);
  if (kind === 'nomap' && words === '') return { kind };
  if (kind === 'auto') {
    return autoNamespace(text, words);
  }
  if (kind === 'keep-id') {
    const { uid, gid } = fields(text, words, ['uid', 'gid']);
    return { kind, ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) };
  }
  throw new OnggiError('invalid', `invalid USER mode: '${text}'`, {
    hint: 'There are host, remap, auto[:size=N,uidmapping=…,gidmapping=…], keep-id[:uid=N,gid=N], nomap, private and container:NAME.',
  });
}

function split(text: string): [string, string] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

const mappings = { uidmapping: 'uids', gidmapping: 'gids' } as const;

/** size=N,uidmapping=INSIDE:OUTSIDE:SIZE,gidmapping=…; as with Podman a size of 0 is none. */
function autoNamespace(text: string, words: string): AskedUserNamespace {
  const lines: { uids: IdMapLine[]; gids: IdMapLine[] } = { uids: [], gids: [] };
  const others: string[] = [];
  for (const word of words === '' ? [] : words.split(',')) {
    const [, key = '', value = ''] = /^(uidmapping|gidmapping)=(\d+:\d+:\d+)$/.exec(word) ?? [];
    if (key === 'uidmapping' || key === 'gidmapping') lines[mappings[key]].push(parseIdMap(value));
    else others.push(word);
  }
  const { size = 0 } = fields(text, others.join(','), ['size']);
  const { uids, gids } = lines;
  return {
    kind: 'auto',
    ...(size > 0 && { size }),
    ...(uids.length > 0 && { uids }),
    ...(gids.length > 0 && { gids }),
  };
}

function fields(text: string, words: string, known: readonly string[]): Partial<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const word of words === '' ? [] : words.split(',')) {
    const [, key = '', value = ''] = /^([a-z]+)=(\d{1,10})$/.exec(word) ?? [];
    if (!known.includes(key) || Number(value) > 0xffff_fffe) {
      throw new OnggiError('invalid', `invalid USER mode: '${text}': unknown option '${word}'`);
    }
    found[key] = Number(value);
  }
  return found;
}

/** CONTAINER:HOST[:SIZE] @throws OnggiError `invalid` */
export function parseIdMap(text: string): IdMapLine {
  const match = /^(\d{1,10}):(\d{1,10})(?::(\d{1,10}))?$/.exec(text);
  const [containerId, hostId, size] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3] ?? 1)];
  if (match === null || size === 0 || Math.max(containerId, hostId) + size > 0xffff_ffff) {
    throw new OnggiError('invalid', `'${text}' is not of the form CONTAINER-ID:HOST-ID:SIZE`);
  }
  return { containerId, hostId, size };
}
