/**
 * How much compressed bytes may become: a few kilobytes can be made to fill a disk (THREATS, class F). Pure but for the
 * thread that decompresses.
 */
import { OnggiError } from '../errors.ts';
import { type Compression, decompress } from './decompress.ts';

export type InflationLimits = {
  /** Uncompressed bytes of one stream. */
  readonly size: number;
  /** Uncompressed bytes for each compressed one. deflate reaches 1032, zstd much more; files of programs make 2 to 10. */
  readonly ratio: number;
  /** Uncompressed bytes up to which any ratio is fine. */
  readonly free: number;
};

export const defaultInflationLimits: InflationLimits = { size: 512 * 1024 ** 3, ratio: 200, free: 1024 ** 3 };

const units: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/**
 * What the user has set by ONGGI_LAYER_SIZE (bytes, or with k, m, g, t) and ONGGI_LAYER_RATIO (a number); 0 is no limit.
 * @throws OnggiError `invalid`
 */
export function inflationLimits(environment: Readonly<Record<string, string | undefined>>): InflationLimits {
  const { ONGGI_LAYER_SIZE: size, ONGGI_LAYER_RATIO: ratio } = environment;
  return {
    ...defaultInflationLimits,
    ...(size !== undefined && { size: limit('ONGGI_LAYER_SIZE', size) }),
    ...(ratio !== undefined && { ratio: limit('ONGGI_LAYER_RATIO', ratio) }),
  };
}

function limit(name: string, text: string): number {
  const match = /^(\d{1,15})([kmgt]?)b?$/i.exec(text);
  const value = Number(match?.[1]) * (units[match?.[2]?.toLowerCase() ?? ''] ?? 1);
  if (match === null || !Number.isSafeInteger(value)) {
    throw new OnggiError('invalid', `${name} "${text}": not a number`, {
      hint: 'A size is like 20g, a ratio like 200, and 0 is no limit.',
    });
  }
  return value === 0 ? Number.MAX_SAFE_INTEGER : value;
}

/**
 * `decompress` with limits.
 * @param what names the stream in errors
 * @throws OnggiError `exhausted` over a limit, what `decompress` throws
 */
export async function* inflated(
  source: AsyncIterable<Uint8Array>,
  what: string,
  limits: InflationLimits,
  found: (compression: Compression) => void = () => {},
): AsyncGenerator<Buffer> {
  let came = 0;
  let size = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of source) {
      came += piece.length;
      yield piece;
    }
  };
  for await (const piece of decompress(counted(), found)) {
    size += piece.length;
    if (size > limits.size) throw over(`${what}: over ${limits.size} bytes, uncompressed`, 'ONGGI_LAYER_SIZE');
    if (size > limits.free && size > came * limits.ratio) {
      throw over(
        `${what}: ${came} compressed bytes made over ${size}: the limit is ${limits.ratio} for each`,
        'ONGGI_LAYER_RATIO',
      );
    }
    yield piece;
  }
}

function over(found: string, variable: string): OnggiError {
  return new OnggiError('exhausted', found, { hint: `If you trust where it comes from, set ${variable} higher.` });
}
