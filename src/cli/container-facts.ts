/** What `run` and `create` read from files before they ask the engine. Acts. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fromSystemError, OnggiError } from '../errors.ts';
import type { ContainerFlags } from './container-flags.ts';
import type { Facts } from './container-options.ts';
import type { Context } from './context.ts';
import { type Assignment, parseAssignmentFile } from './value/environment.ts';

/** @throws OnggiError on a file that can't be read or parsed, or a `--mount` source that is missing */
export function containerFacts(flags: ContainerFlags, context: Context): Facts {
  for (const mount of flags.mount) {
    if (mount.type === 'bind' && mount.mustExist && !existsSync(resolve(context.directory, mount.source))) {
      throw new OnggiError(
        'invalid',
        `invalid mount config for type "bind": bind source path does not exist: ${mount.source}`,
      );
    }
  }
  return {
    environment: context.env,
    fileEnvironment: readAssignments(flags['env-file'], context.directory),
    fileLabels: readAssignments(flags['label-file'], context.directory),
    directory: context.directory,
    seccompProfile: (path) => readJson(resolve(context.directory, path), path),
    consoleSize: flags.tty ? context.stdout.size() : undefined,
  };
}

/** The files of `--env-file` or `--label-file`, one after the other. */
export function readAssignments(paths: readonly string[], directory: string): Assignment[] {
  return paths.flatMap((path) => parseAssignmentFile(readText(resolve(directory, path), path), path));
}

/** A file of settings, not of data: anything larger is a mistake. */
const largest = 1 << 20;

function readText(path: string, written: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw fromSystemError(error, `read '${written}'`);
  }
  if (bytes.length > largest) throw new OnggiError('invalid', `read '${written}': larger than ${largest} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new OnggiError('invalid', `read '${written}': invalid utf8 bytes`, { cause });
  }
}

function readJson(path: string, written: string): unknown {
  const text = readText(path, written);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OnggiError('invalid', `seccomp profile '${written}': not JSON`, { cause });
  }
}
