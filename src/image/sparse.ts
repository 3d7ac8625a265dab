/**
 * Sparse files in tar archives: GNU tar's old format (type "S") and its pax formats 0.0, 0.1 and 1.0 (tar(5) of GNU,
 * "Sparse Formats"). A map says which parts of the file are in the archive; the rest are holes. Pure. Maps are a known
 * source of attacks on parsers (CVE-2025-58183): they are bounded, ordered and must fit the file.
 */
import { OnggiError } from '../errors.ts';
import { type PaxRecords, parseDecimal } from './pax.ts';
import { parseNumber } from './tar-header.ts';

/** A part of the file that is in the archive. */
export type Segment = { readonly offset: number; readonly length: number };

/** What is known before the content comes. */
export type SparseStart = {
  /** Bytes of the file, holes too. */
  readonly size: number;
  /** Absent where the header had it in its usual place. */
  readonly name: Buffer | undefined;
  readonly segments: Segment[];
  /** Where the rest of the map is: nowhere, in blocks before the content, or as text at its beginning. */
  readonly rest: 'none' | 'blocks' | 'text';
};

/** Segments of one file: a mebibyte of map. Real files have some hundreds. */
const mostSegments = 65_536;

/** Four segments in the header block (offset 386), more in blocks behind it. @throws OnggiError `corrupt` */
export function oldSparse(header: Buffer): SparseStart {
  const segments = readSegments(header, 386, 4);
  return {
    size: parseNumber(header, 483, 12, 'size of a sparse file'),
    name: undefined,
    segments,
    rest: header[482] === 0 ? 'none' : 'blocks',
  };
}

/** One block of the old format's map: 21 segments. @returns whether another one follows */
export function oldSparseBlock(block: Buffer, segments: Segment[]): boolean {
  segments.push(...readSegments(block, 0, 21));
  checkCount(segments.length);
  return block[504] !== 0;
}

function readSegments(block: Buffer, start: number, most: number): Segment[] {
  const segments: Segment[] = [];
  for (let index = 0; index < most; index += 1) {
    const at = start + 24 * index;
    // An empty place ends the list.
    if (block[at] === 0) break;
    segments.push({
      offset: parseNumber(block, at, 12, 'offset in a sparse file'),
      length: parseNumber(block, at + 12, 12, 'length in a sparse file'),
    });
  }
  return segments;
}

/** Undefined when the records speak of no sparse file. @throws OnggiError `corrupt` */
export function paxSparse(pax: PaxRecords | undefined): SparseStart | undefined {
  const record = (key: string): Buffer | undefined => pax?.get(`GNU.sparse.${key}`);
  const size = record('realsize') ?? record('size');
  if (size === undefined) return undefined;
  const start = { size: parseDecimal('GNU.sparse.size', size), name: record('name') };
  const version = [record('major') ?? '0', record('minor') ?? '0'].join('.');
  if (version === '1.0') return { ...start, segments: [], rest: 'text' };
  const map = record('map')?.toString('latin1');
  if (map === undefined || version.startsWith('1.')) throw corrupt(`version "${version.slice(0, 20)}" without a map`);
  const numbers = map === '' ? [] : map.split(',').map((text) => parseDecimal('GNU.sparse.map', Buffer.from(text)));
  return { ...start, segments: paired(numbers), rest: 'none' };
}

/** @returns the segments with the last block of the map. @throws OnggiError `corrupt`, `exhausted` */
export type MapReader = (block: Buffer) => Segment[] | undefined;

/**
 * Reads the text at the beginning of the content, version 1.0: the number of segments, then their offsets and lengths, a
 * line each, filled up to a block. What has come is looked through once, however long it is.
 */
export function sparseText(): MapReader {
  const blocks: Buffer[] = [];
  let lines = 0;
  let wanted: number | undefined;
  return (block) => {
    blocks.push(Buffer.from(block));
    const before = lines;
    for (const byte of block) if (byte === 0x0a) lines += 1;
    if (lines === before) throw corrupt('a map without lines');
    wanted ??= 1 + 2 * segmentCount(block);
    if (lines < wanted) return undefined;
    const text = Buffer.concat(blocks).toString('latin1').split('\n', wanted);
    return paired(text.slice(1).map((line) => parseDecimal('GNU.sparse map', Buffer.from(line))));
  };
}

function segmentCount(block: Buffer): number {
  const count = parseDecimal('GNU.sparse map', block.subarray(0, block.indexOf(0x0a)));
  checkCount(count);
  return count;
}

function paired(numbers: readonly number[]): Segment[] {
  if (numbers.length % 2 !== 0) throw corrupt('an offset without a length in its map');
  checkCount(numbers.length / 2);
  return Array.from({ length: numbers.length / 2 }, (_, index) => ({
    offset: numbers[2 * index] ?? 0,
    length: numbers[2 * index + 1] ?? 0,
  }));
}

function checkCount(count: number): void {
  if (count > mostSegments)
    throw new OnggiError('exhausted', `tar archive: sparse file: over ${mostSegments} segments`);
}

/** @throws OnggiError `corrupt` unless they are in order, inside the file, and all of what is in the archive */
export function checkSegments(segments: readonly Segment[], size: number, stored: number): void {
  let end = 0;
  let sum = 0;
  for (const { offset, length } of segments) {
    if (offset < end || length < 0 || offset + length > size) throw corrupt('segments that overlap or leave the file');
    end = offset + length;
    sum += length;
  }
  if (sum !== stored) throw corrupt(`a map of ${sum} bytes for ${stored} bytes of content`);
}

function corrupt(found: string): OnggiError {
  return new OnggiError('corrupt', `tar archive: sparse file with ${found}`);
}

/** Turns the content in the archive into that of the file. */
export type Spreader = {
  take(bytes: Buffer): void;
  /** The hole at the end. */
  finish(): void;
};

export function spread(
  segments: readonly Segment[],
  size: number,
  content: (bytes: Buffer) => void,
  hole: (bytes: number) => void,
): Spreader {
  let index = 0;
  let position = 0;
  const moveTo = (offset: number): void => {
    if (offset > position) hole(offset - position);
    position = offset;
  };
  return {
    take(bytes) {
      for (let at = 0; at < bytes.length; ) {
        const segment = segments[index];
        if (segment === undefined) return;
        if (position >= segment.offset + segment.length) {
          index += 1;
          continue;
        }
        if (position < segment.offset) moveTo(segment.offset);
        const piece = bytes.subarray(at, at + Math.min(segment.offset + segment.length - position, bytes.length - at));
        content(piece);
        at += piece.length;
        position += piece.length;
      }
    },
    finish: () => moveTo(size),
  };
}
