/**
 * Whether the memory of a checkpoint is all there. criu 3.17 does not look: at the end of a file that was cut it reads for
 * ever, and writes a line of its log each time.
 *
 * An image of criu is two magic numbers and then records, each a length and a message of protocol buffers
 * (criu: images/pagemap.proto; protobuf.dev: "Encoding"). Pure.
 */
import { OnggiError } from '../errors.ts';
import { decodeMessage } from './message.ts';

export type PageMap = {
  /** Number in the name of the file that holds the pages. */
  readonly pages: number;
  /** Bytes that are to be found there. */
  readonly size: number;
};

const pageSize = 4096;
const headerLength = 8;
/** Field numbers of pagemap_head and pagemap_entry. */
const pagesId = 1;
const [pageCount, inParent, flags] = [2, 3, 4];
const present = 1 << 2;

/**
 * @param name for messages
 * @param image content of `pagemap-N.img`
 * @throws OnggiError `corrupt`
 */
export function readPageMap(name: string, image: Uint8Array): PageMap {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  let at = headerLength;
  let pages: number | undefined;
  let size = 0;
  while (at < image.length) {
    const length = at + 4 <= image.length ? view.getUint32(at, true) : image.length;
    if (at + 4 + length > image.length) throw damaged(name);
    const fields = numbers(name, image.subarray(at + 4, at + 4 + length));
    at += 4 + length;
    if (pages === undefined) pages = fields.get(pagesId);
    else if (isHeld(fields)) size += (fields.get(pageCount) ?? 0) * pageSize;
  }
  if (pages === undefined || !Number.isSafeInteger(size)) throw damaged(name);
  return { pages, size };
}

/** Pages of an earlier dump, and those left out, are not in the file. */
function isHeld(fields: ReadonlyMap<number, number>): boolean {
  const said = fields.get(flags);
  return said === undefined ? (fields.get(inParent) ?? 0) === 0 : (said & present) !== 0;
}

/** Fields by their number; none of the two messages has one that is no number. */
function numbers(name: string, message: Uint8Array): Map<number, number> {
  const fields = decodeMessage(message);
  if (fields === undefined) throw damaged(name);
  return new Map(
    [...fields].map(([field, value]) => {
      if (typeof value !== 'number') throw damaged(name);
      return [field, value];
    }),
  );
}

function damaged(name: string): OnggiError {
  return new OnggiError('corrupt', `"${name}" of the checkpoint is damaged`);
}
