/**
 * Classes of service for cache and memory bandwidth (config-linux.md, "IntelRdt"; Documentation/filesystems/resctrl.rst).
 * A class is a directory of the resctrl file system. A launcher is put into it before it makes anything: its children
 * inherit the class. Acts.
 */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { ownershipOf, readText, readTextIfThere } from '../kernel/text-file.ts';
import { mountInfoField } from '../oci/mount-info.ts';
import type { IntelRdt } from '../oci/runtime-spec.ts';
import { joinResctrl, type Resctrl } from './resctrl-group.ts';

export { joinResctrl, type Resctrl };

/** What is to be made, and what is recorded of it before it is. */
export type ResctrlPlan = { readonly kept: Resctrl; readonly lines: readonly string[] };

/** Where the resctrl file system is mounted as a whole. Pure. @param mountinfo as proc(5) has it */
export function resctrlRoot(mountinfo: string): string | undefined {
  const found = /^\S+ \S+ \S+ \/ (\S+) .*? - resctrl /m.exec(mountinfo)?.[1];
  return found === undefined ? undefined : mountInfoField(found);
}

/** @throws OnggiError `unsupported` without resctrl, `invalid`, `not-found`, `conflict` */
export function planResctrl(asked: IntelRdt | undefined, id: string): ResctrlPlan | null {
  if (asked === undefined) return null;
  const root = resctrlRoot(readText('/proc/self/mountinfo'));
  if (root === undefined) {
    throw new OnggiError('unsupported', 'linux.intelRdt: the resctrl file system is not mounted', {
      hint: 'On a machine that can allot caches: mount -t resctrl resctrl /sys/fs/resctrl',
    });
  }
  return planIn(root, asked, id);
}

/** The directories that the kernel makes there itself. */
const reserved: readonly string[] = ['info', 'mon_groups', 'mon_data', '.', '..', ''];

/** The same, with resctrl mounted at `root`. */
export function planIn(root: string, asked: IntelRdt, id: string): ResctrlPlan {
  const { closID = '' } = asked;
  if (closID !== '' && (closID.includes('/') || closID.includes('\n') || reserved.includes(closID))) {
    throw new OnggiError('invalid', `linux.intelRdt.closID: "${closID}" is not the name of a class`);
  }
  const explicit = closID !== '';
  const directory = `${root}/${explicit ? closID : id}`;
  const lines = schemataOf(asked);
  const there = ownershipOf(directory) !== undefined;
  if (explicit && there) compare(directory, lines);
  if (explicit && !there && lines.length === 0) {
    throw new OnggiError('not-found', `linux.intelRdt.closID: there is no class "${closID}"`, {
      hint: 'Make it, or give l3CacheSchema, memBwSchema or schemata for it to be made.',
    });
  }
  const monitored = asked.enableMonitoring === true || asked.enableCMT === true || asked.enableMBM === true;
  if (monitored && ownershipOf(`${root}/info/L3_MON`) === undefined) {
    throw new OnggiError('unsupported', 'linux.intelRdt: this machine monitors neither caches nor memory bandwidth');
  }
  // A class of the container's own is monitored as it is.
  const monitor = monitored && explicit ? `${directory}/mon_groups/${id}` : null;
  return { kept: { directory, made: !(explicit && there), monitor }, lines: explicit && there ? [] : lines };
}

/** Those of `schemata` come last, so that they hold; "MB:" does not belong into l3CacheSchema. Pure. */
function schemataOf({ l3CacheSchema = '', memBwSchema = '', schemata = [] }: IntelRdt): string[] {
  const bandwidth = linesOf(memBwSchema);
  const wrong = bandwidth.find((line) => !line.startsWith('MB:'));
  if (wrong !== undefined) {
    throw new OnggiError('invalid', `linux.intelRdt.memBwSchema: "${wrong}" does not begin with "MB:"`);
  }
  const cache = linesOf(l3CacheSchema).filter((line) => !line.startsWith('MB:'));
  return [...cache, ...bandwidth, ...schemata.flatMap(linesOf)];
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** A class that others use must not be changed (config-linux.md). @throws OnggiError `conflict` */
function compare(directory: string, lines: readonly string[]): void {
  const found = new Set(linesOf(readText(`${directory}/schemata`)).map(plainLine));
  const missing = lines.find((line) => !found.has(plainLine(line)));
  if (missing === undefined) return;
  throw new OnggiError(
    'conflict',
    `linux.intelRdt: the class "${directory}" is there, and "${missing}" not part of it`,
    {
      hint: 'Name another closID, or give the schemata that the class has.',
    },
  );
}

/** Without leading zeros, which the kernel writes. */
function plainLine(line: string): string {
  return line
    .replaceAll(' ', '')
    .replace(/=0+(?=[0-9a-f])/gi, '=')
    .toLowerCase();
}

/** @throws OnggiError `invalid` with what the kernel says of the schemata */
export function makeResctrl({ kept, lines }: ResctrlPlan): void {
  const { directory, made, monitor } = kept;
  if (made) makeDirectory(directory);
  if (lines.length > 0) writeSchemata(directory, lines);
  if (monitor !== null) makeDirectory(monitor);
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o755 });
  } catch (error) {
    // One of this container's name, left by a runtime that was killed.
    if (errnoOf(error) !== 'EEXIST') throw fromSystemError(error, `make the resctrl group "${path}"`);
  }
}

function writeSchemata(directory: string, lines: readonly string[]): void {
  try {
    writeFileSync(`${directory}/schemata`, `${lines.join('\n')}\n`);
  } catch (cause) {
    const root = directory.slice(0, directory.lastIndexOf('/'));
    const said = readTextIfThere(`${root}/info/last_cmd_status`)?.trim() ?? '';
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new OnggiError('invalid', `linux.intelRdt: schemata "${lines.join(', ')}": ${said === '' ? found : said}`, {
      cause,
      hint: 'See schemata and info/ of the resctrl file system for what this machine has.',
    });
  }
}

/**
 * Other schemata for the class that is the container's own.
 * @throws OnggiError `conflict` for a class that was there before; `invalid` with what the kernel says
 */
export function changeResctrl({ directory, made }: Resctrl, asked: IntelRdt): void {
  if (!made) {
    throw new OnggiError('conflict', `the class "${directory}" is not the container's own: it is not changed`, {
      hint: 'Write to its schemata yourself, if all in it may be changed.',
    });
  }
  writeSchemata(directory, schemataOf(asked));
}

/** Idempotent; a class that was there before stays. @throws OnggiError */
export function removeResctrl({ directory, made, monitor }: Resctrl): void {
  for (const path of [...(monitor === null ? [] : [monitor]), ...(made ? [directory] : [])]) {
    try {
      rmdirSync(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw fromSystemError(error, `remove the resctrl group "${path}"`);
    }
  }
}
