/** What part of a blob an answer brings (RFC 9110, section 14). Pure. */
import { OnggiError } from '../errors.ts';

export type PartialAnswer = {
  readonly status: number;
  readonly contentRange: string | null;
  /** Null too when the body is encoded in some way: then it says nothing about the blob. */
  readonly contentLength: string | null;
};

/**
 * Bytes at the start of the body that are known already, when the blob of `size` bytes was asked for from `offset` on:
 * 0, or all that came before if the registry does not do ranges.
 * @throws OnggiError `corrupt` when it is not the rest of a blob of that size
 */
export function bytesToSkip(answer: PartialAnswer, offset: number, size: number, what: string): number {
  const { status, contentRange, contentLength } = answer;
  if (status !== 206) {
    if (contentLength !== null && contentLength !== String(size)) {
      throw new OnggiError('corrupt', `${what}: ${size} bytes were announced, ${contentLength} are sent`);
    }
    return offset;
  }
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(contentRange ?? '');
  const [, start, , total] = match ?? [];
  if (start !== String(offset) || (total !== '*' && total !== String(size))) {
    const found = `range "${contentRange ?? ''}"`;
    throw new OnggiError('corrupt', `${what}: asked for bytes from ${offset} of ${size}, got ${found}`);
  }
  return 0;
}
