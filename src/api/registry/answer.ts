/** What a registry answers: data, so that everything but sending it is tested without a connection. Pure. */
import { OnggiError } from '../../errors.ts';

/** A body that is streamed: `length` bytes. */
export type Stream = { readonly length: number; open(): AsyncIterable<Uint8Array> };

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** For HEAD it says how long the body would be and is not sent. */
  readonly body: Uint8Array | Stream | null;
};

/** Error codes of the distribution specification 1.1, "Error Codes", with the status that each usually has. */
const statuses = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
  /** Docker's registry has these two besides. */
  UNAVAILABLE: 503,
  UNKNOWN: 500,
} as const;

export type SpecCode = keyof typeof statuses;

export function answer(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: Answer['body'] = null,
): Answer {
  return { status, headers, body };
}

export function json(value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return answer(200, { 'content-type': 'application/json', ...headers }, Buffer.from(JSON.stringify(value)));
}

/** @param message what was asked and what was found; nothing of this machine, no credentials */
export function refuse(
  code: SpecCode,
  message: string,
  options: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Answer {
  const body = JSON.stringify({ errors: [{ code, message: message.slice(0, 500), detail: null }] });
  const headers = { 'content-type': 'application/json', ...options.headers };
  return answer(options.status ?? statuses[code], headers, Buffer.from(body));
}

/**
 * An error of the engine that the handlers did not expect. What it says of this machine (paths, the disk) is for its
 * log, not for a client.
 */
export function failure(error: unknown): Answer {
  const code = error instanceof OnggiError ? error.code : 'internal';
  if (code === 'unavailable') return refuse('UNAVAILABLE', 'not available now: try again later');
  if (code === 'unauthorized' || code === 'denied') return refuse('DENIED', 'the registry behind this one refuses it');
  if (code === 'exhausted') return refuse('UNKNOWN', 'no room is left', { status: 507 });
  return refuse('UNKNOWN', 'internal error: the log of the server says more');
}
