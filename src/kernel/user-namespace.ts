/**
 * User namespaces of ordinary users (native/shim/unshare.c): what has to do with files of the ids that containers have is
 * done in one, by a program that is executed there. Acts.
 */
import { fromSystemError, OnggiError } from '../errors.ts';
import { native, shimPath } from './addon.ts';
import { type Descriptor, ownDescriptor } from './descriptor.ts';
import { readHead, scratchFile } from './memory-file.ts';
import { assignmentsOf, type Environment } from './process-end.ts';
import { type IdRange, mapOfUser, type Unprivileged, userName } from './subordinate-ids.ts';
import { ownershipOf, readText as readWhole } from './text-file.ts';

export type UserMaps = { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] };

/** Where Debian and others install them; PATH is not asked, it is the caller's to change. */
const mappers = { uid: '/usr/bin/newuidmap', gid: '/usr/bin/newgidmap' };

/** Undefined for root. */
export function unprivileged(): Unprivileged | undefined {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  if (uid === 0) return undefined;
  return { uid, gid, helpers: isThere(mappers.uid) && isThere(mappers.gid) ? mappers : null };
}

function isThere(path: string): boolean {
  return ownershipOf(path) !== undefined;
}

/** Whether this is root of a user namespace that does not have all ids: an ordinary user's, or a container's. */
export function inUserNamespace(): boolean {
  return readText('/proc/self/uid_map').trim().replace(/\s+/g, ' ') !== '0 0 4294967295';
}

/** Root of the machine, whose privileges reach beyond its namespaces. */
export function isPrivileged(): boolean {
  return process.geteuid?.() === 0 && !inUserNamespace();
}

/** What the containers of this user get. */
export function mapsOf({ uid, gid, helpers }: Unprivileged): UserMaps {
  const user = { name: nameOfUser({ uid }), uid };
  const none = helpers === null;
  const [uids, gids] = [
    mapOfUser(none ? '' : readText('/etc/subuid'), user, uid),
    mapOfUser(none ? '' : readText('/etc/subgid'), user, gid),
  ];
  // Users without groups, or the reverse, are of no use to any image.
  return uids.length > 1 && gids.length > 1 ? { uids, gids } : { uids: uids.slice(0, 1), gids: gids.slice(0, 1) };
}

/** By passwd(5), or by what else knows users here. */
export function nameOfUser({ uid }: Pick<Unprivileged, 'uid'>): string | undefined {
  return userName(readText('/etc/passwd'), uid) ?? nameElsewhere();
}

/** Of users that other sources than passwd(5) know; newuidmap asks them itself, so that a wrong name gives nothing. */
function nameElsewhere(): string | undefined {
  try {
    return process.getBuiltinModule('node:os').userInfo().username;
  } catch {
    // Nobody has to stand in passwd.
    return undefined;
  }
}

function readText(path: string): string {
  try {
    return readWhole(path);
  } catch {
    // Missing, or not for this user to read: nothing is granted.
    return '';
  }
}

/** Executes a command in the place of this process, as root of a new user namespace. @throws OnggiError `denied` */
export function executeMapped(user: Unprivileged, command: readonly string[], environment: Environment): never {
  const words = ['onggi-shim', '--unshare', ...mapWords(user), ...command];
  return native('enter a user namespace', (calls) => calls.execute(shimPath(), words, assignmentsOf(environment)));
}

/**
 * Removes a file or directory with all that is below it, whatever ids of this user's containers own it. Absent is fine.
 * @throws OnggiError `denied` when a user namespace can't be had, or nobody in it may remove it
 */
export function removeMapped(user: Unprivileged, path: string): void {
  const { status, said } = runMapped(user, [shimPath(), '--remove', path]);
  if (status === 0) return;
  throw new OnggiError('denied', `remove "${path}": ${said === '' ? `wait status ${status}` : said}`, {
    hint: 'Files of containers have ids of their own; to remove them takes the lines for you in /etc/subuid and /etc/subgid.',
  });
}

/**
 * Runs a program to its end as root of a new user namespace with the ids of the user, without input, output and environment.
 * @returns its wait status, and the beginning of what it said on standard error
 */
export function runMapped(user: Unprivileged, command: readonly string[]): { status: number; said: string } {
  const shim = shimPath();
  using opened = new DisposableStack();
  const nothing = opened.use(openNull());
  const complaint = opened.use(scratchFile('complaint'));
  const executable = opened.use(native(`prepare "${shim}"`, (calls) => ownDescriptor(calls.sealedExecutable(shim))));
  const words = ['onggi-shim', '--unshare', ...mapWords(user), ...command];
  const status = native(`run "${command[0] ?? ''}"`, (calls) =>
    calls.waitProcess(calls.spawn(executable.fd, words, [], [nothing.fd, nothing.fd, complaint.fd])),
  );
  return { status, said: readHead(complaint, 4096).toString('utf8').trim() };
}

/** Those of the user namespace that this process is in: from its ids to those of the machine. */
export function currentMaps(): UserMaps {
  const map = (kind: 'uid' | 'gid'): IdRange[] =>
    readText(`/proc/self/${kind}_map`)
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .map(([containerId = 0, hostId = 0, size = 0]) => ({ containerId, hostId, size }));
  return { uids: map('uid'), gids: map('gid') };
}

/** The arguments of `--unshare` up to the program. */
function mapWords(user: Unprivileged): string[] {
  const { uids, gids } = mapsOf(user);
  const { helpers } = user;
  const byHelper = helpers !== null && uids.length > 1;
  return [byHelper ? helpers.uid : '-', wordsOf(uids), byHelper ? helpers.gid : '-', wordsOf(gids)];
}

function wordsOf(map: readonly IdRange[]): string {
  return map.map(({ containerId, hostId, size }) => `${containerId} ${hostId} ${size}`).join(' ');
}

function openNull(): Descriptor {
  try {
    return ownDescriptor(process.getBuiltinModule('node:fs').openSync('/dev/null', 'r+'));
  } catch (error) {
    throw fromSystemError(error, 'open "/dev/null"');
  }
}
