/**
 * What went wrong with one request, and whether another attempt may go better: refusals of the registry (distribution
 * specification, "Error Codes") and broken connections. Pure.
 */
import { type Code, OnggiError } from '../errors.ts';
import { redact } from './credentials.ts';
import { isTransientStatus } from './retry.ts';

export type Failure = {
  readonly error: OnggiError;
  readonly transient: boolean;
  /** Milliseconds that the registry asked to wait. */
  readonly retryAfter: number | null;
};

export function permanent(error: OnggiError): Failure {
  return { error, transient: false, retryAfter: null };
}

export type Refusal = {
  /** What was asked for: 'image "docker.io/library/alpine:latest"'. */
  readonly what: string;
  /** Who refused: the registry as in the reference, or the host that it sent us to. */
  readonly host: string;
  readonly status: number;
  /** The beginning of the body. */
  readonly body: string;
  readonly retryAfter: number | null;
  /** Texts that must not appear in a message. */
  readonly secrets: readonly string[];
  /** What to do when credentials are missing or wrong. */
  readonly advice: string;
};

const statusCodes: Readonly<Record<number, Code>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'denied',
  404: 'not-found',
  405: 'unsupported',
  406: 'unsupported',
  410: 'not-found',
  415: 'unsupported',
  451: 'denied',
  501: 'unsupported',
};

export function refusal(refused: Refusal): Failure {
  const { status, retryAfter } = refused;
  const code = statusCodes[status] ?? 'unavailable';
  const said = redact(sayingOf(refused.body), refused.secrets);
  const wait = retryAfter === null ? '' : `, asks to wait ${Math.ceil(retryAfter / 1000)} s`;
  const message = `${refused.what}: "${refused.host}" answered ${status}${said === '' ? '' : ` (${said})`}${wait}`;
  const hint = hintOf(code, status, refused.advice);
  const error = new OnggiError(code, message, hint === undefined ? {} : { hint });
  return { error, transient: isTransientStatus(status), retryAfter };
}

function hintOf(code: Code, status: number, advice: string): string | undefined {
  if (code === 'unauthorized' || code === 'denied') return advice;
  if (code === 'not-found') return 'Check the name and the tag.';
  return status === 429 ? `Too many requests: wait a while. ${advice}` : undefined;
}

/** `CODE: message` of the first error in the registry's list; the text is foreign, so it is short. */
function sayingOf(body: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return '';
  }
  const list: unknown = property(parsed, 'errors');
  // Token servers answer { "details": "..." } or an OAuth error.
  const first: unknown = Array.isArray(list) ? list[0] : parsed;
  const words = [property(first, 'code'), property(first, 'message'), property(first, 'details')];
  return words
    .filter((word) => typeof word === 'string' && word !== '')
    .map((word) => String(word).replace(/\s+/g, ' ').slice(0, 200))
    .join(': ');
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

const noTls = 'no TLS there';

/** Words for the errors of connections, by the code that Node or Bun gives; `false`: trying again is of no use. */
const connectionErrors: Readonly<Record<string, readonly [words: string, transient: boolean]>> = {
  ECONNREFUSED: ['connection refused', false],
  ECONNRESET: ['connection lost', true],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: ['it wants a client certificate', false],
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: ['it refuses our client certificate', false],
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: ['it does not trust our client certificate', false],
  UND_ERR_SOCKET: ['connection lost', true],
  EPIPE: ['connection lost', true],
  ETIMEDOUT: ['no connection in time', true],
  UND_ERR_CONNECT_TIMEOUT: ['no connection in time', true],
  ENOTFOUND: ['no such host', false],
  EAI_AGAIN: ['the name server does not answer', true],
  EHOSTUNREACH: ['no route to host', false],
  ENETUNREACH: ['network is unreachable', false],
  HPE_HEADER_OVERFLOW: ['its headers are too large', false],
  ResponseHeadersTooLarge: ['its headers are too large', false],
  HPE_INVALID_CONSTANT: ['it does not speak HTTP', false],
  Malformed_HTTP_Response: ['it does not speak HTTP', false],
  EPROTO: [noTls, false],
  ERR_SSL_WRONG_VERSION_NUMBER: [noTls, false],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: [noTls, false],
};

export type BrokenConnection = {
  readonly what: string;
  readonly host: string;
  readonly error: unknown;
  /** The host has answered before, so it is there and will be back. */
  readonly reached: boolean;
};

export function connectionFailure({ what, host, error, reached }: BrokenConnection): Failure {
  // A limit of ours on waiting.
  if (error instanceof OnggiError) {
    const again = new OnggiError(error.code, `${what}: "${host}": ${error.message}`, { cause: error });
    return { error: again, transient: error.code === 'unavailable', retryAfter: null };
  }
  const code = connectionCode(error);
  if (isCertificateError(error)) {
    const found = `${what}: "${host}": its certificate is not trusted (${code})`;
    const hint = `Put the authority that signed it into "/etc/onggi/certs.d/${host}/ca.crt".`;
    return permanent(new OnggiError('unavailable', found, { hint }));
  }
  const [words, transient] = connectionErrors[code] ?? [`connection failed ${code}`.trim(), true];
  // Without the cause: Bun puts the address into it, and that of a redirect can hold a signature.
  const failed = new OnggiError('unavailable', `${what}: "${host}": ${words}`);
  return { error: failed, transient: transient || reached, retryAfter: null };
}

/** OpenSSL's words for a certificate that does not hold: DEPTH_ZERO_SELF_SIGNED_CERT, CERT_HAS_EXPIRED, ... */
export function isCertificateError(error: unknown): boolean {
  // Not the alerts about a certificate of ours, like ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED.
  const code = connectionCode(error);
  return /CERT|SELF_SIGNED|ISSUER|UNABLE_TO_VERIFY/.test(code) && !/ALERT/.test(code);
}

/** False when what answered https has shown that it does not know it. */
export function speaksTls(error: unknown): boolean {
  const code = connectionCode(error);
  return connectionErrors[code]?.[0] !== noTls && code !== '';
}

/** Node wraps the error of the connection in a TypeError, Bun gives its code to the TypeError. */
export function connectionCode(error: unknown): string {
  for (const candidate of [error, property(error, 'cause')]) {
    const code = property(candidate, 'code');
    if (typeof code === 'string') return code;
  }
  return '';
}
