/** `top`: the processes of a container, as the machine's ps(1) shows them or by columns that are read here. */
import { readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { errnoOf, fromSystemError, OnggiError } from '../../errors.ts';
import { openDirectory, openFileIn } from '../../kernel/directory.ts';
import { findCgroup } from '../../runtime/cgroup/layout.ts';
import { cgroupProcesses } from '../../runtime/cgroup/processes.ts';
import { processLines } from '../../runtime/process-table.ts';
import type { Container } from '../container/container.ts';
import { lookUp } from '../container/look-up.ts';
import { notRunning } from '../container/not-running.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { containerNews } from '../event/news.ts';
import { type Accounts, namedColumns, type ProcessFacts, type ProcessFiles, processFacts } from './descriptor.ts';

export type ProcessList = { readonly titles: readonly string[]; readonly processes: readonly (readonly string[])[] };

/**
 * @param words options of ps (-ef if there are none), or names of columns
 * @throws OnggiError `conflict` when it does not run; `invalid` when ps refuses the options or shows no PID
 */
export async function top(context: Context, ref: string, words: readonly string[]): Promise<ProcessList> {
  const container = await lookUp(context, ref);
  const { row, start } = container;
  if (row.state !== 'running' || row.pid === null || start === null) {
    throw notRunning(container);
  }
  emit(context.store, containerNews(container, 'top'));
  const pids = processesOf(container, row.pid);
  const columns = namedColumns(words);
  if (columns === undefined) return cells(processLines(pids, words));
  const uptime = Number(read('/proc/uptime').split(' ')[0]);
  const accounts = accountsOf(row.pid);
  const facts = pids.flatMap((pid) => factsOf(pid, uptime));
  const numbers = new Map(facts.map(({ hostPid, pid }) => [hostPid, pid]));
  return {
    titles: columns.map(({ title }) => title),
    processes: facts.map((each) => {
      const process = { ...each, parent: numbers.get(each.parent) ?? 0 };
      return columns.map(({ show }) => show(process, accounts));
    }),
  };
}

/** Its cgroup knows; an ordinary user's may have none, and then it is those of its namespace of processes. */
function processesOf({ start }: Container, init: number): number[] {
  const found = start === null ? [] : cgroupProcesses(findCgroup(start.cgroupsPath));
  if (found.length > 0) return found;
  const own = namespaceOf(init);
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids.filter((pid) => pid === init || (own !== undefined && namespaceOf(pid) === own));
}

/** Undefined of one that has ended, or is somebody else's. */
function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** The last column of ps has blanks in it. */
function cells(lines: readonly string[]): ProcessList {
  const [heading = '', ...rest] = lines;
  const titles = heading.trim().split(/\s+/);
  const processes = rest.map((line) => {
    const words = line.trim().split(/\s+/);
    return words.length <= titles.length
      ? words
      : [...words.slice(0, titles.length - 1), words.slice(titles.length - 1).join(' ')];
  });
  return { titles, processes };
}

/** Nothing of one that has ended meanwhile. */
function factsOf(pid: number, uptime: number): ProcessFacts[] {
  try {
    const at = (name: string): string => read(`/proc/${pid}/${name}`);
    const files: ProcessFiles = {
      pid,
      stat: at('stat'),
      status: at('status'),
      cmdline: at('cmdline'),
      label: labelOf(pid),
    };
    return [processFacts(files, uptime, Date.now())];
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return [];
    throw error;
  }
}

/** A kernel without a security module answers EINVAL. */
function labelOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/attr/current`, 'utf8');
  } catch {
    return '';
  }
}

/** Bytes of a passwd file that are read; it is the container's to write. */
const longest = 1 << 20;

function accountsOf(pid: number): Accounts {
  const host = { passwd: names(read('/etc/passwd')), group: names(read('/etc/group')) };
  const inside = { passwd: names(readInside(pid, 'etc/passwd')), group: names(readInside(pid, 'etc/group')) };
  const uids = idMap(pid, 'uid_map');
  const gids = idMap(pid, 'gid_map');
  return {
    hostUser: (uid) => host.passwd.get(uid) ?? `${uid}`,
    hostGroup: (gid) => host.group.get(gid) ?? `${gid}`,
    user: (uid) => inside.passwd.get(uids(uid)) ?? `${uids(uid)}`,
    group: (gid) => inside.group.get(gids(gid)) ?? `${gids(gid)}`,
  };
}

/** By number; of several names the first. Names of the container are its own to choose: nothing but plain ones. */
function names(text: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name = '', , id = ''] = line.split(':');
    if (/^[\w.$-]{1,64}$/.test(name) && /^\d{1,10}$/.test(id) && !found.has(Number(id))) found.set(Number(id), name);
  }
  return found;
}

/** From the host's number to the container's (user_namespaces(7)). */
function idMap(pid: number, name: string): (id: number) => number {
  const ranges = read(`/proc/${pid}/${name}`)
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return (id) => {
    for (const [inside = 0, outside = 0, count = 0] of ranges) {
      if (id >= outside && id < outside + count) return inside + id - outside;
    }
    return id;
  };
}

/** Links in the container end inside it. */
function readInside(pid: number, path: string): string {
  try {
    using root = openDirectory(`/proc/${pid}/root`);
    using file = openFileIn(root, path);
    const bytes = Buffer.alloc(longest);
    return bytes.subarray(0, readSync(file.fd, bytes, 0, longest, 0)).toString('latin1');
  } catch (error) {
    // None, one that is no file, or one that has just ended: numbers will do.
    if (error instanceof OnggiError || errnoOf(error) !== undefined) return '';
    throw error;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // One that ended while it was read.
    if (errnoOf(error) === 'ESRCH') throw new OnggiError('not-found', `read "${path}"`, { cause: error });
    throw fromSystemError(error, `read "${path}"`);
  }
}
