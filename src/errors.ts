/**
 * The one error type of the project and the one table that maps its codes to the faces (DESIGN 6, STYLE E1).
 *
 * Whoever meets an errno, an HTTP status or an SQLite error turns it into a code where it enters, with `cause`;
 * above that, decisions are made by `code`, never by the text of a message.
 */

type Faces = { readonly exit: number; readonly http: number; readonly grpc: number };

export const codes = {
  'not-found': { exit: 1, http: 404, grpc: 5 },
  /** The name or thing is there already. */
  exists: { exit: 1, http: 409, grpc: 6 },
  /** The state of the thing forbids what was asked (stop a container that is not running). */
  conflict: { exit: 1, http: 409, grpc: 9 },
  invalid: { exit: 1, http: 400, grpc: 3 },
  /** The kernel or the file system refused: a privilege is missing. */
  denied: { exit: 1, http: 403, grpc: 7 },
  /** A registry or API wants other credentials. */
  unauthorized: { exit: 1, http: 401, grpc: 16 },
  /** A peer, network or lock can't be reached now; the same call may succeed later. */
  unavailable: { exit: 1, http: 503, grpc: 14 },
  /** Known, but not built or not possible on this machine. */
  unsupported: { exit: 1, http: 501, grpc: 12 },
  /** Bytes are not what their digest, format or schema promises. */
  corrupt: { exit: 1, http: 500, grpc: 15 },
  /** Disk, inodes, memory, addresses or ports used up. */
  exhausted: { exit: 1, http: 507, grpc: 8 },
  cancelled: { exit: 130, http: 499, grpc: 1 },
  /** The command of the container exists but can't be executed (Docker's exit status 126). */
  'not-executable': { exit: 126, http: 400, grpc: 3 },
  /** The command of the container does not exist (Docker's exit status 127). */
  'command-not-found': { exit: 127, http: 400, grpc: 3 },
  /** What a container is to have of the machine, a device or a kernel parameter, does not exist (127 with Docker, too). */
  'missing-on-host': { exit: 127, http: 404, grpc: 5 },
  /** A defect of onggi itself. */
  internal: { exit: 1, http: 500, grpc: 13 },
} as const satisfies Record<string, Faces>;

export type Code = keyof typeof codes;

export type ErrorOptions = {
  /** What the user can do about it: one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** The field of config.json that it is about ("mounts[7].type"), for who has written one. */
  readonly field?: string | undefined;
};

export class OnggiError extends Error {
  override readonly name = 'OnggiError';
  readonly code: Code;
  readonly hint: string | undefined;
  readonly field: string | undefined;

  /** @param message what was asked and what was found, values in quotes; no credentials */
  constructor(code: Code, message: string, options: ErrorOptions = {}) {
    super(printable(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint === undefined ? undefined : printable(options.hint);
    this.field = options.field === undefined ? undefined : printable(options.field);
  }
}

/** An error that does not say yet which field of config.json it is about; any other one unchanged. */
export function withField(error: unknown, field: string | undefined): unknown {
  if (!(error instanceof OnggiError) || error.field !== undefined) return error;
  const { code, message, hint, cause } = error;
  return new OnggiError(code, message, { ...(hint !== undefined && { hint }), cause, field });
}

/** The single way to refuse what is known but not there: a flag, an API field, a media type. */
export function unsupported(what: string, instead?: string): OnggiError {
  return new OnggiError('unsupported', `${what} is not supported`, instead === undefined ? {} : { hint: instead });
}

const errnoCodes: Readonly<Record<string, Code>> = {
  ENOENT: 'not-found',
  ENODEV: 'not-found',
  ESRCH: 'not-found',
  EEXIST: 'exists',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ENOSPC: 'exhausted',
  EDQUOT: 'exhausted',
  ENOMEM: 'exhausted',
  EMFILE: 'exhausted',
  ENFILE: 'exhausted',
  EINVAL: 'invalid',
  ENAMETOOLONG: 'invalid',
  ERANGE: 'invalid',
  ELOOP: 'invalid',
  ENOTDIR: 'invalid',
  EISDIR: 'invalid',
  EADDRNOTAVAIL: 'invalid',
  ENOSYS: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  EBUSY: 'conflict',
  ENOTEMPTY: 'conflict',
  EADDRINUSE: 'conflict',
  EAGAIN: 'unavailable',
  ECONNREFUSED: 'unavailable',
  ECONNRESET: 'unavailable',
  ETIMEDOUT: 'unavailable',
  ENETUNREACH: 'unavailable',
  EHOSTUNREACH: 'unavailable',
};

/** The errno word ("ENOENT") of a system error of Node, Bun or the addon, if it is one. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** The code of an errno word; `internal` for one that no kernel should answer with. */
export function codeOfErrno(errno: string): Code {
  return errnoCodes[errno] ?? 'internal';
}

/** A system error as an OnggiError that says what was tried; an OnggiError passes unchanged. */
export function fromSystemError(error: unknown, tried: string): OnggiError {
  if (error instanceof OnggiError) return error;
  const errno = errnoOf(error);
  const code = errno === undefined ? 'internal' : codeOfErrno(errno);
  const found = error instanceof Error ? error.message : String(error);
  return new OnggiError(code, `${tried}: ${withoutRepetition(found, error, tried)}`, {
    cause: error,
    ...(code === 'exhausted' && { hint: hints[errno ?? ''] ?? 'Free some space (onggi rmi, onggi rm) and try again.' }),
  });
}

/** Where it is no space that there is none left of. */
const hints: Readonly<Record<string, string>> = {
  ENOMEM: 'Free some memory, or give it more, and try again.',
  EMFILE: 'Allow more open files (ulimit -n) and try again.',
  ENFILE: 'Close some files, or have root allow more (sysctl fs.file-max), and try again.',
};

/**
 * Node puts ", open '/x'" behind what is wrong, which was said before: "open archive "/x": ENOENT: no such file"; and it
 * takes whatever does not support an operation for a socket.
 */
function withoutRepetition(text: string, error: unknown, tried: string): string {
  const found = text.replace('operation not supported on socket', 'operation not supported');
  const { syscall, path } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  if (syscall === undefined || !tried.includes(path ?? syscall)) return found;
  const end = path === undefined ? `, ${syscall}` : `, ${syscall} '${path}'`;
  return found.endsWith(end) ? found.slice(0, -end.length) : found;
}

/** Control characters out of foreign text would let an image or a registry write to the user's terminal. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}
