/**
 * The names of error numbers. node:util has them too, but to load it takes a thirtieth of what starting a container
 * takes. Pure.
 *
 * A number in the list is that of the name after it; each further name has the next number. Source:
 * <asm-generic/errno-base.h> and <asm-generic/errno.h> of Linux 6.1, which x86 and ARM share; a test compares.
 */
const table = `
  1 EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST
  EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE
  EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP
  42 ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT
  59 EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG
  EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK
  EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT
  EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN
  ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM
  EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD
  ENOTRECOVERABLE ERFKILL EHWPOISON
`;

let names: readonly (string | undefined)[] | undefined;

/** @param errno positive @returns "ENOENT"; "errno 524" for one that has no name */
export function errnoName(errno: number): string {
  names ??= parse();
  return names[errno] ?? `errno ${errno}`;
}

function parse(): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  let next = 0;
  for (const token of table.trim().split(/\s+/)) {
    if (token.startsWith('E')) found[next++] = token;
    else next = Number(token);
  }
  return found;
}
