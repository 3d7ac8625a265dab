/**
 * Reads a tar archive that arrives in chunks: ustar, pax with global headers, GNU long names,
 * base-256 numbers, sparse files.
 * Pure: bytes in, entries out, nothing is kept but one header. Everything read is foreign, so every size and count
 * has a limit, and what is not understood is refused instead of skipped.
 */
import { OnggiError, unsupported } from '../errors.ts';
import { type PaxRecords, parsePax } from './pax.ts';
import {
  checkSegments,
  type MapReader,
  oldSparse,
  oldSparseBlock,
  paxSparse,
  type Segment,
  type SparseStart,
  type Spreader,
  sparseText,
  spread,
} from './sparse.ts';
import { defaultTarLimits, entryOf, over, type TarEntry, type TarLimits } from './tar-entry.ts';
import { blockSize, parseHeader } from './tar-header.ts';

export type TarHandler = {
  entry(entry: TarEntry): void;
  /** Content of the last entry, in pieces; the bytes are only valid during the call. */
  content(bytes: Buffer): void;
  /** So many bytes of the file are zeros that are not in the archive. Without it sparse files are refused. */
  hole?(bytes: number): void;
  /** After the last byte of each entry's content. */
  end(): void;
};

export type TarReader = {
  /** @throws OnggiError `corrupt`, `unsupported`, `exhausted` (a limit), or what the handler throws */
  write(chunk: Buffer): void;
  /** Bytes of content and padding that may be passed over now (`skip`) instead of being written. */
  skippable(): number;
  /** @param count at most `skippable()`; the handler's `content` hears nothing of them, its `end` does */
  skip(count: number): void;
  /**
   * Says that no more bytes come.
   * @returns whether the end mark was there; without it a cut between two entries can't be told
   * @throws OnggiError `corrupt` when the archive ends inside an entry
   */
  finish(): boolean;
};

/** What is being collected: a header block, a header's body, or content that is passed on. */
type State = {
  phase: 'header' | 'meta' | 'map' | 'content' | 'padding' | 'done';
  /** Bytes still to come in this phase. */
  left: number;
  pieces: Buffer[];
  padding: number;
  metaType: string;
  entries: number;
  total: number;
  /** A sparse file whose map is being read, then whose content. */
  sparse: Sparse | undefined;
  longName: Buffer | undefined;
  longLink: Buffer | undefined;
  pax: PaxRecords | undefined;
  globalPax: PaxRecords;
};

type Sparse = {
  readonly entry: TarEntry;
  readonly start: SparseStart;
  /** Bytes of the archive that are still to come for it. */
  stored: number;
  /** Of the map of version 1.0. */
  readonly text: MapReader;
  spreader: Spreader | undefined;
};

export function readTar(handler: TarHandler, limits: TarLimits = defaultTarLimits): TarReader {
  const state: State = {
    phase: 'header',
    left: blockSize,
    pieces: [],
    padding: 0,
    metaType: '',
    entries: 0,
    total: 0,
    sparse: undefined,
    longName: undefined,
    longLink: undefined,
    pax: undefined,
    globalPax: new Map(),
  };
  return {
    write(chunk) {
      let offset = 0;
      while (offset < chunk.length && state.phase !== 'done') {
        const piece = chunk.subarray(offset, offset + Math.min(state.left, chunk.length - offset));
        offset += piece.length;
        take(state, piece, handler, limits);
      }
    },
    skippable() {
      if (state.phase === 'content') return state.left + state.padding;
      return state.phase === 'padding' ? state.left : 0;
    },
    skip(count) {
      let rest = count;
      while (rest > 0 && (state.phase === 'content' || state.phase === 'padding')) {
        const step = Math.min(rest, state.left);
        rest -= step;
        state.left -= step;
        if (state.left > 0) return;
        if (state.phase === 'content') {
          handler.end();
          pad(state);
        } else expectHeader(state);
      }
    },
    finish() {
      if (state.phase === 'done') return true;
      const atBoundary = state.phase === 'header' && state.left === blockSize && state.pieces.length === 0;
      if (!atBoundary || hasMeta(state)) {
        throw new OnggiError('corrupt', `tar archive: ends inside entry ${state.entries + 1}`);
      }
      return false;
    },
  };
}

function take(state: State, piece: Buffer, handler: TarHandler, limits: TarLimits): void {
  state.left -= piece.length;
  if (state.phase === 'content') {
    if (state.sparse?.spreader === undefined) handler.content(piece);
    else state.sparse.spreader.take(piece);
  }
  // A header that lies in one chunk is used where it is; else its pieces are copied, the chunk may be reused.
  else if (state.phase !== 'padding' && (state.left > 0 || state.pieces.length > 0))
    state.pieces.push(Buffer.from(piece));
  if (state.left > 0) return;
  switch (state.phase) {
    case 'header': {
      const block = state.pieces.length === 0 ? piece : Buffer.concat(state.pieces);
      state.pieces = [];
      header(state, block, handler, limits);
      break;
    }
    case 'meta': {
      const body = state.pieces.length === 0 ? Buffer.from(piece) : Buffer.concat(state.pieces);
      state.pieces = [];
      meta(state, body);
      pad(state);
      break;
    }
    case 'map': {
      const block = state.pieces.length === 0 ? piece : Buffer.concat(state.pieces);
      state.pieces = [];
      if (state.sparse !== undefined) sparseMap(state, state.sparse, block, handler);
      break;
    }
    case 'content':
      endContent(state, handler);
      pad(state);
      break;
    default:
      expectHeader(state);
  }
}

function expectHeader(state: State): void {
  state.phase = 'header';
  state.left = blockSize;
}

function pad(state: State): void {
  if (state.padding === 0) {
    expectHeader(state);
    return;
  }
  state.phase = 'padding';
  state.left = state.padding;
}

function hasMeta(state: State): boolean {
  return state.pax !== undefined || state.longName !== undefined || state.longLink !== undefined;
}

const metaTypes = 'xgLK';

function header(state: State, block: Buffer, handler: TarHandler, limits: TarLimits): void {
  const found = parseHeader(block);
  if (found === undefined) {
    if (hasMeta(state)) throw new OnggiError('corrupt', 'tar archive: ends after an extended header');
    // POSIX wants two blocks of zeros; one alone is the end for GNU tar and Go too.
    state.phase = 'done';
    return;
  }
  if (metaTypes.includes(found.type)) {
    if (found.size < 0 || found.size > limits.pax) throw over(`extended header of ${found.size} bytes`, limits.pax);
    begin(state, 'meta', found.size);
    state.metaType = found.type;
    if (found.size === 0) throw new OnggiError('corrupt', 'tar archive: empty extended header');
    return;
  }
  state.entries += 1;
  if (state.entries > limits.entries) throw over('number of entries', limits.entries);
  const start = found.type === 'S' ? oldSparse(block) : paxSparse(state.pax);
  const { entry, stored } = entryOf(state, found, start, limits);
  state.total += entry.size;
  if (state.total > limits.content) throw over('bytes of content', limits.content);
  state.longName = undefined;
  state.longLink = undefined;
  state.pax = undefined;
  if (start !== undefined && entry.type === 'file') beginSparse(state, entry, start, stored, handler);
  else beginContent(state, entry, stored, handler);
}

function beginContent(state: State, entry: TarEntry, stored: number, handler: TarHandler): void {
  handler.entry(entry);
  begin(state, 'content', stored);
  if (stored > 0) return;
  endContent(state, handler);
  expectHeader(state);
}

function endContent(state: State, handler: TarHandler): void {
  state.sparse?.spreader?.finish();
  state.sparse = undefined;
  handler.end();
}

function beginSparse(state: State, entry: TarEntry, start: SparseStart, stored: number, handler: TarHandler): void {
  if (handler.hole === undefined)
    throw unsupported('a sparse file in a tar archive', 'Pack it again without --sparse.');
  state.sparse = { entry, start, stored, text: sparseText(), spreader: undefined };
  if (start.rest === 'none') beginSegments(state, state.sparse, start.segments, handler);
  else begin(state, 'map', blockSize);
}

/** A block of the map; more of them may follow. */
function sparseMap(state: State, sparse: Sparse, block: Buffer, handler: TarHandler): void {
  if (sparse.start.rest === 'blocks') {
    if (oldSparseBlock(block, sparse.start.segments)) begin(state, 'map', blockSize);
    else beginSegments(state, sparse, sparse.start.segments, handler);
    return;
  }
  sparse.stored -= blockSize;
  if (sparse.stored < 0) throw new OnggiError('corrupt', 'tar archive: sparse file that ends in its map');
  const segments = sparse.text(block);
  if (segments === undefined) begin(state, 'map', blockSize);
  else beginSegments(state, sparse, segments, handler);
}

function beginSegments(state: State, sparse: Sparse, segments: readonly Segment[], handler: TarHandler): void {
  const { entry, stored } = sparse;
  checkSegments(segments, entry.size, stored);
  sparse.spreader = spread(
    segments,
    entry.size,
    (bytes) => handler.content(bytes),
    (bytes) => handler.hole?.(bytes),
  );
  beginContent(state, entry, stored, handler);
}

function begin(state: State, phase: 'meta' | 'map' | 'content', size: number): void {
  state.phase = phase;
  state.left = size;
  state.padding = (blockSize - (size % blockSize)) % blockSize;
}

/** Names of these lie in the header only; as global defaults they would name every file alike. */
const neverGlobal = ['path', 'linkpath', 'size'];

function meta(state: State, body: Buffer): void {
  switch (state.metaType) {
    case 'L':
      state.longName = untilNul(body);
      break;
    case 'K':
      state.longLink = untilNul(body);
      break;
    case 'g': {
      const records = parsePax(body);
      for (const key of neverGlobal) {
        if (records.has(key)) throw new OnggiError('corrupt', `tar archive: global pax header with "${key}"`);
      }
      state.globalPax = new Map([...state.globalPax, ...records]);
      break;
    }
    default:
      state.pax = parsePax(body);
  }
}

function untilNul(body: Buffer): Buffer {
  const end = body.indexOf(0);
  return end === -1 ? body : body.subarray(0, end);
}
