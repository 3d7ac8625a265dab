/** Bodies of requests: as they come, with limits on how much and how slowly. Acts on a connection. */
import type { IncomingMessage } from 'node:http';
import { OnggiError } from '../../errors.ts';
import { type Answer, refuse, type SpecCode } from './answer.ts';

export type BodyLimits = {
  /** Milliseconds between two pieces. */
  readonly stall: number;
  /** Bytes a second on the average, after `stall`: one byte every now and then is no upload. */
  readonly slowest: number;
};

/** The answer for a body that ended before its end, if that is what the error says. */
export function bodyRefusal(error: unknown): Answer | undefined {
  return error instanceof OnggiError ? refusals.get(error) : undefined;
}

const refusals = new WeakMap<OnggiError, Answer>();

function broken(code: SpecCode, message: string, status: number): OnggiError {
  const error = new OnggiError('cancelled', `request body: ${message}`);
  refusals.set(error, refuse(code, message, { status }));
  return error;
}

/**
 * The pieces of a body.
 * @throws OnggiError `cancelled` when it is cut off, too slow or over `limit` bytes; `bodyRefusal` has the answer
 */
export async function* bodyPieces(
  request: IncomingMessage,
  limits: BodyLimits,
  limit: number,
): AsyncGenerator<Uint8Array> {
  const begun = Date.now();
  let size = 0;
  let timer: NodeJS.Timeout | undefined;
  let late = false;
  const rearm = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      late = true;
      request.destroy();
    }, limits.stall);
  };
  rearm();
  try {
    // Left undestroyed, so that whoever breaks off can still answer.
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      size += piece.length;
      if (size > limit) throw broken('SIZE_INVALID', `over ${limit} bytes`, 413);
      const elapsed = Date.now() - begun;
      if (elapsed > limits.stall && size < (elapsed / 1000) * limits.slowest) throw tooSlow();
      yield piece;
      rearm();
    }
  } catch (error) {
    if (error instanceof OnggiError) throw error;
    throw late ? tooSlow() : endedEarly();
  } finally {
    clearTimeout(timer);
  }
  if (!request.complete) throw late ? tooSlow() : endedEarly();
}

const tooSlow = (): OnggiError => broken('BLOB_UPLOAD_INVALID', 'the body came too slowly', 408);
const endedEarly = (): OnggiError => broken('BLOB_UPLOAD_INVALID', 'the body ended early', 400);

/** A body that fits in memory. @throws as `bodyPieces` */
export async function wholeBody(request: IncomingMessage, limits: BodyLimits, limit: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bodyPieces(request, limits, limit)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Bytes that a request announces; undefined when it does not say. */
export function announcedLength(request: IncomingMessage): number | undefined {
  const header = request.headers['content-length'];
  return header !== undefined && /^[0-9]{1,15}$/.test(header) ? Number(header) : undefined;
}
