/** What the keeper of a container reports of a step, as an error or a warning in words. Pure. */
import { codeOfErrno, OnggiError } from '../../errors.ts';
import type { StepReport } from '../../kernel/frame.ts';
import { errnoName } from '../../oci/errno.ts';
import { firstStep } from './first-step.ts';
import type { NamespaceType, Plan, Step } from './steps.ts';

/** Of the clone, native/plan/plan.h. */
const spawnIndex = 1;

/** What messages say was tried. */
export function attempt(plan: Plan): string {
  return plan.spawn.kind === 'join' ? 'exec' : 'start container';
}

export function stepAt(plan: Plan, index: number): Step | undefined {
  return [...plan.prepare, ...plan.attach, ...plan.init, ...plan.cleanup][index - firstStep(plan)];
}

const commandOps: ReadonlySet<string | undefined> = new Set(['find-executable', 'exec']);

const hookErrnos: ReadonlySet<string> = new Set(['ECANCELED', 'ETIMEDOUT']);

/**
 * What made a start or an exec fail. Docker's exit statuses: 127 for a command that is not there, 126 for one that can't be executed.
 */
export function stepError({ step: index, errno, text }: StepReport, plan: Plan): OnggiError {
  const step = stepAt(plan, index);
  // A hook that was executed and failed: the text says all (native/shim/hook.h).
  const judged = step?.op === 'hook' && hookErrnos.has(errnoName(errno));
  if (judged) return new OnggiError('unavailable', `${attempt(plan)}: ${text}`);
  if (step === undefined || !commandOps.has(step.op)) {
    const hint = text.includes('killed by signal 9')
      ? 'Somebody has removed it meanwhile, or its limit of memory is too low for it to start at all.'
      : (accountsHint(step, errnoName(errno)) ??
        ownerHint(step, errnoName(errno), plan) ??
        userNamespaceHint(index, step, errnoName(errno), plan));
    const code = isMissing(step, errnoName(errno), plan) ? 'missing-on-host' : codeOfErrno(errnoName(errno));
    return new OnggiError(code, `${attempt(plan)}: ${text}: ${errnoText(errno)}`, {
      ...(hint !== undefined && { hint }),
    });
  }
  if (plan.runtime !== undefined) return foreignError(errno, text);
  if (step.op === 'exec') return executionError(step.argv[0] ?? '', errno);
  return commandError(step.op === 'find-executable' ? step.command : '', errno);
}

/** The command was found, so what is not there is what it needs to be executed. */
function executionError(command: string, errno: number): OnggiError {
  if (errnoName(errno) !== 'ENOENT') return commandError(command, errno);
  return new OnggiError('command-not-found', `exec: "${command}": ${errnoText(errno)}`, {
    hint: 'It is there; the interpreter that its first line names, or the loader of its shared libraries, is not.',
  });
}

/** Steps that need something of the machine by its name: the source of a mount, a device, a kernel parameter. */
const needy: ReadonlySet<string> = new Set(['bind', 'mount', 'sysctl']);

function isMissing(step: Step | undefined, errno: string, { spawn }: Plan): boolean {
  return errno === 'ENOENT' && spawn.kind !== 'join' && step !== undefined && needy.has(step.op);
}

/** Why a command could not be executed. */
export function commandError(command: string, errno: number): OnggiError {
  const name = errnoName(errno);
  if (name === 'ENOENT' || name === 'ENOTDIR') {
    const found = command.includes('/') ? 'no such file or directory' : 'executable file not found in $PATH';
    return new OnggiError('command-not-found', `exec: "${command}": ${found}`, {
      hint: 'Name a command that is in the image, or its full path.',
    });
  }
  return new OnggiError('not-executable', `exec: "${command}": ${errnoText(errno)}`, {
    hint: hints[name] ?? 'Name another command.',
  });
}

/** Another runtime's own words. */
export function foreignError(number: number, text: string): OnggiError {
  const errno = errnoName(number);
  if (errno === 'ENOENT') return new OnggiError('command-not-found', `start container: ${text}`);
  if (errno === 'EACCES') return new OnggiError('not-executable', `start container: ${text}`);
  return new OnggiError('unavailable', `start container: ${text}`, {
    hint: 'This is what the runtime of --runtime says; without the flag onggi makes the container itself.',
  });
}

/** File systems of a namespace, which only its owner may mount (user_namespaces(7)). */
const owned: Readonly<Record<string, NamespaceType>> = { proc: 'pid', mqueue: 'ipc' };

function ownerHint(step: Step | undefined, errno: string, { spawn }: Plan): string | undefined {
  if (step?.op !== 'mount' || errno !== 'EPERM' || spawn.kind !== 'clone') return undefined;
  const type = step.fstype;
  const namespace = owned[type];
  if (namespace !== undefined && !spawn.namespaces.includes(namespace) && spawn.namespaces.includes('user')) {
    return `A container with a user namespace of its own may mount "${type}" if it has its own namespace of type "${namespace}", too.`;
  }
  // Kernel, fs/namespace.c, mount_too_revealing.
  if (type !== 'proc' && type !== 'sysfs') return undefined;
  return `Within another container a new "${type}" is refused where parts of the one there are masked: unmask them, or bind that one.`;
}

/** A file of accounts that is too large for the init (native/step/accounts.c): no image has one by chance. */
function accountsHint(step: Step | undefined, errno: string): string | undefined {
  if (errno !== 'EFBIG' || (step?.op !== 'identity' && step?.op !== 'config')) return undefined;
  return 'Name user and group by numbers (-u UID:GID), for which no file is needed, or make the file smaller in the image.';
}

/** Where a machine forbids user namespaces: Linux, Debian and Ubuntu have a switch each (user_namespaces(7)). */
function userNamespaceHint(index: number, step: Step | undefined, errno: string, { spawn }: Plan): string | undefined {
  // Where others are joined as well it may be one of them that is refused.
  if (spawn.kind !== 'clone' || !spawn.namespaces.includes('user') || spawn.join.length > 0) return undefined;
  if (index === spawnIndex && (errno === 'ENOSPC' || errno === 'EUSERS')) {
    return 'No more user namespaces may be made: root can raise user.max_user_namespaces by sysctl.';
  }
  if (errno !== 'EPERM' && errno !== 'EACCES') return undefined;
  if (index === spawnIndex) {
    return 'This machine may forbid user namespaces: look at "sysctl kernel.unprivileged_userns_clone", or leave the chroot or container that this runs in.';
  }
  if (step?.op !== 'propagation' && step?.op !== 'unshare-cgroup') return undefined;
  return 'A user namespace without rights: AppArmor may restrict them, see "sysctl kernel.apparmor_restrict_unprivileged_userns".';
}

/** What to do about a command that is there. */
const hints: Readonly<Record<string, string>> = {
  EACCES:
    'Give it the execute permission, for this user; a directory, or a file of a noexec mount, can not be executed.',
  EPERM: 'Something forbids it: the seccomp filter, no_new_privs, or the file system that it lies on.',
  ENOEXEC: 'A program must be made for this machine, and a script must begin with a line such as "#!/bin/sh".',
  ELOOP: 'Its path leads through symbolic links that lead to one another; name the file itself.',
  ETXTBSY: 'Somebody has it open for writing; close it first.',
  E2BIG: 'Its arguments and environment are too long together; pass them in a file.',
  ENOMEM: 'Free some memory, or give the container more of it.',
};

/** What a start or an exec went on without. */
export function stepWarning({ errno, text }: StepReport): string {
  return `${text}: ${errnoText(errno)}`;
}

const errnoWords: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  ENOEXEC: 'exec format error',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  EEXIST: 'file exists',
  ENODEV: 'no such device',
  ENXIO: 'no such device or address',
  ESRCH: 'no such process',
  ESTALE: 'stale file handle',
  EIO: 'input/output error',
  EROFS: 'read-only file system',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files in the whole system',
  ENAMETOOLONG: 'file name too long',
  EDQUOT: 'disk quota exceeded',
  EXDEV: 'invalid link across file systems',
  ENOSYS: 'the kernel does not have it',
  EOPNOTSUPP: 'operation not supported',
  EINVAL: 'invalid argument',
  ENOSPC: 'no space left on device',
  EBUSY: 'device or resource busy',
  EAGAIN: 'resource temporarily unavailable',
  ENOMEM: 'cannot allocate memory',
  ERANGE: 'numerical result out of range',
  ELOOP: 'too many levels of symbolic links',
  ETXTBSY: 'text file busy',
  E2BIG: 'argument list too long',
  EFBIG: 'file too large',
};

function errnoText(errno: number): string {
  const name = errnoName(errno);
  return errnoWords[name] ?? name;
}
