/** The process of a container and of `exec`: command, environment, working directory, user. Pure. */
import { posix } from 'node:path';
import { OnggiError } from '../../errors.ts';
import type { ImageProcess } from '../../oci/image-spec.ts';
import type { Process } from '../../oci/runtime-spec.ts';
import { allCapabilities } from '../../runtime/capability.ts';
import { defaultPath } from '../../runtime/defaults.ts';
import type { ContainerOptions, ExecOptions } from '../types.ts';

/** All that an image has to say about a container. */
export type ImageConfigView = Pick<ImageProcess, 'env' | 'entrypoint' | 'cmd' | 'workingDir' | 'user'>;

/**
 * The command line: entrypoint and command, each the user's or the image's. An entrypoint of the user's drops the
 * image's command, which was meant for another program.
 *
 * @throws OnggiError `invalid` when there is none, `command-not-found` when it is the empty word
 */
export function processArgs(
  options: Pick<ContainerOptions, 'entrypoint' | 'command' | 'image'>,
  image: ImageConfigView | null,
): string[] {
  const command = options.command ?? [];
  const args =
    options.entrypoint !== undefined
      ? [...options.entrypoint.filter((word, index) => index > 0 || word !== ''), ...command]
      : [...(image?.entrypoint ?? []), ...(command.length > 0 ? command : (image?.cmd ?? []))];
  if (args[0] === undefined) {
    throw new OnggiError(
      'invalid',
      `no command specified: neither the options nor the image "${options.image}" name one`,
      {
        hint: 'Give the command after the image.',
      },
    );
  }
  if (args[0] === '') throw emptyCommand();
  return args;
}

/** As in Docker the empty word is a command that nobody has, not the lack of one. */
function emptyCommand(): OnggiError {
  return new OnggiError('command-not-found', 'exec: "": executable file not found in $PATH', {
    hint: 'Name a command that is in the image, or its full path.',
  });
}

/** The process without what is policy: capabilities and limits are added by the caller. */
export function processSpec(
  options: ContainerOptions,
  image: ImageConfigView | null,
  hostname: string,
): Pick<Process, 'terminal' | 'consoleSize' | 'user' | 'args' | 'env' | 'cwd'> {
  const terminal = options.terminal === true;
  const base = [`PATH=${defaultPath}`, `HOSTNAME=${hostname}`, ...(terminal ? ['TERM=xterm'] : [])];
  return {
    terminal,
    ...(terminal && consoleSize(options.consoleSize)),
    user: userOf(options.user || image?.user || ''),
    args: processArgs(options, image),
    env: mergeEnvironment(base, image?.env ?? [], options.env ?? []),
    cwd: workingDirectory(options.workingDir, image?.workingDir),
  };
}

/**
 * The process of `exec`: that of the container but for what the options say. Its capabilities are the container's, or
 * all with `privileged`.
 *
 * @throws OnggiError `invalid`, `command-not-found` when the command is the empty word
 */
export function execProcess(container: Process, options: ExecOptions): Process {
  if (options.command[0] === undefined) throw new OnggiError('invalid', 'exec: no command specified');
  if (options.command[0] === '') throw emptyCommand();
  const { consoleSize: _size, ...rest } = container;
  const terminal = options.terminal === true;
  return {
    ...rest,
    terminal,
    ...(terminal && consoleSize(options.consoleSize)),
    user: options.user ? userOf(options.user) : container.user,
    args: options.command,
    env: mergeEnvironment(terminal ? ['TERM=xterm'] : [], container.env ?? [], [
      ...(options.inherit?.env ?? []),
      ...(options.env ?? []),
    ]),
    cwd: workingDirectory(options.workingDir, container.cwd),
    ...(options.privileged === true && {
      capabilities: { bounding: allCapabilities, effective: allCapabilities, permitted: allCapabilities },
    }),
  };
}

/** Names are looked up inside the container, by the init. */
function userOf(user: string): Process['user'] {
  return user === '' ? { uid: 0, gid: 0, additionalGids: [0] } : { uid: 0, gid: 0, username: user };
}

function consoleSize(size: ContainerOptions['consoleSize']): Pick<Process, 'consoleSize'> {
  return size === undefined ? {} : { consoleSize: { height: size.rows, width: size.columns } };
}

/** Later lists win; a variable stays where it stood first. */
export function mergeEnvironment(...lists: readonly (readonly string[])[]): string[] {
  const merged = new Map<string, string>();
  for (const entry of lists.flat()) {
    const equals = entry.indexOf('=');
    // An entry without a name or value can't be a variable; Docker takes "NAME" alone to mean its removal.
    if (equals < 0) merged.delete(entry);
    else if (equals > 0) merged.set(entry.slice(0, equals), entry);
  }
  return [...merged.values()];
}

/** @throws OnggiError `invalid` when the user's is relative; an image's is taken from the root, as Docker does */
export function workingDirectory(asked: string | undefined, image: string | undefined): string {
  if (asked !== undefined && asked !== '') {
    if (asked.startsWith('/')) return posix.resolve(asked);
    throw new OnggiError('invalid', `the working directory "${asked}" is invalid, it needs to be an absolute path`);
  }
  return posix.resolve('/', image ?? '');
}
