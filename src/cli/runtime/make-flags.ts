/** Flags that `create` and `run` share. Pure. */
import type { MakeOptions } from '../../bundle/make.ts';
import { asIs, single, toggle, type Values } from '../definition.ts';
import { integer } from '../value/number.ts';

/** As many descriptors as a process may usually have (getrlimit(2)); more is a mistake. */
const mostDescriptors = 1024;

export const preserveFdsFlag = single(
  'count',
  integer(0, mostDescriptors),
  'pass N additional file descriptors to the container (stdio + $LISTEN_FDS + N in total)',
  { shown: '0' },
);

export const consoleSocketFlag = single(
  'path',
  asIs,
  "path to an AF_UNIX socket which will receive the master end of the console's pseudoterminal",
);

export const pidFileFlag = single('path', asIs, 'specify the file to write the process id to');

export const makeFlags = {
  bundle: single('directory', asIs, 'path to the root of the bundle directory, defaults to the current directory', {
    short: 'b',
  }),
  'console-socket': consoleSocketFlag,
  'pid-file': pidFileFlag,
  'no-pivot': toggle('move the root instead of pivoting into it; for hosts whose root is a ramdisk'),
  'no-new-keyring': toggle(
    'do not create a new session keyring for the container, which then has the one of the caller',
  ),
  'preserve-fds': preserveFdsFlag,
} as const;

export function makeOptions(flags: Values<typeof makeFlags>, env: MakeOptions['env']): MakeOptions {
  return {
    bundle: flags.bundle || '.',
    consoleSocket: flags['console-socket'] || undefined,
    pidFile: flags['pid-file'] || undefined,
    noPivot: flags['no-pivot'],
    noNewKeyring: flags['no-new-keyring'],
    preserveFds: flags['preserve-fds'] ?? 0,
    env,
  };
}
