/** Descriptors that the container inherits besides its stdio: LISTEN_FDS (sd_listen_fds(3)) and `--preserve-fds`. Acts. */
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';

export type Preserved = {
  /** Of this process; they become 3, 4 and so on. */
  readonly descriptors: readonly number[];
  /** What the process has to be told of them. */
  readonly env: readonly string[];
};

/** What LISTEN_PID is when descriptors are meant for this process. */
export function ownProcess(): string {
  return String(process.pid);
}

const first = 3;
/** As many as a process may usually have open (getrlimit(2), RLIMIT_NOFILE): a greater number is a mistake. */
const most = 1024;

/**
 * As runc: sockets that a service manager hands over are announced to the container's first process, if they were
 * meant for this one; those of `--preserve-fds` follow.
 *
 * @throws OnggiError `invalid` when one of them is not open
 */
export function preservedDescriptors(count: number, env: Readonly<Record<string, string | undefined>>): Preserved {
  const handedOver = env['LISTEN_PID'] === ownProcess() ? number(env['LISTEN_FDS']) : 0;
  if (handedOver + count === 0) return { descriptors: [], env: [] };
  const all = Array.from({ length: handedOver + count }, (_, index) => first + index);
  all.forEach((fd, index) => {
    if (isInherited(fd)) return;
    const what = index < handedOver ? `LISTEN_FDS=${handedOver}` : `--preserve-fds ${count}`;
    throw new OnggiError('invalid', `${what}: descriptor ${fd} is not open`, {
      hint: 'Pass as many descriptors as are named, without a gap, from 3 up.',
    });
  });
  return {
    descriptors: all,
    env: handedOver === 0 ? [] : [`LISTEN_FDS=${handedOver}`, 'LISTEN_PID=1'],
  };
}

function number(text: string | undefined): number {
  return text !== undefined && /^\d{1,4}$/.test(text) ? Math.min(Number(text), most) : 0;
}

/**
 * What engines of JavaScript open for themselves, at the first free numbers. Nothing else tells it from what was
 * inherited: Bun marks both as close-on-exec. Nobody hands over such a thing by --preserve-fds.
 */
const ofTheEngine = /^anon_inode:\[(?:eventpoll|eventfd|io_uring)\]$/;

function isInherited(fd: number): boolean {
  try {
    return !ofTheEngine.test(process.getBuiltinModule('node:fs').readlinkSync(`/proc/self/fd/${fd}`));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw fromSystemError(error, `look at descriptor ${fd}`);
  }
}
