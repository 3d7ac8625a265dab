/** A path or an entry's name. Bytes where it is not UTF-8, as names in images may be. */
export type Name = string | Uint8Array;

/**
 * The whole native surface (native/addon/addon.c). Thin calls: each throws an `Error` whose `code` is the errno word
 * ("ENOENT"), `errno` the positive number, `syscall` the call's name. Only `kernel/addon.ts` loads the addon, and
 * only files of `kernel/` call it; they turn errno into OnggiError and say what was tried.
 *
 * Descriptors are plain numbers, always close-on-exec; whoever receives one closes it. A `name` beside a directory
 * descriptor is one component: "", ".", ".." and "a/b" are refused with EINVAL. With AT_FDCWD (-100) as the directory
 * it is a path that the caller vouches for.
 */
export interface Addon {
  /** A descriptor of `path` through a private read-only clone of its mount, for execution; falls back to a sealed memfd copy. */
  sealedExecutable(path: string): number;
  /**
   * posix_spawn of the program behind `executable` with `argv`, an empty environment but `env`, and `fds[i]` as
   * descriptor i (all others closed).
   * @returns its pid, to be waited for once
   */
  spawn(executable: number, argv: string[], env: string[], fds: number[]): number;
  /**
   * Starts the program `path` in a thread, so that it can't change the file it runs from, in `directory` ("": where this
   * process is), with duplicates of `fds[i]` as descriptor i (all others closed).
   * @param brief it has ended soon: out of a copy, which is faster, but memory of its own
   * @returns its number for `spawned`, which must be called once
   */
  spawnAhead(path: string, brief: boolean, argv: string[], env: string[], directory: string, fds: number[]): number;
  /** Waits until it is executed. @returns its pid, to be waited for once */
  spawned(number: number): number;
  /** waitpid(2). @returns the wait status */
  waitProcess(pid: number): number;
  /** execve(2): the program takes the place of this process, with standard input, output and error alone. */
  execute(path: string, argv: string[], env: string[]): never;
  /** Sets the soft limit of descriptors to the hard one (setrlimit(2), RLIMIT_NOFILE). */
  raiseDescriptorLimit(): void;
  /** _exit(2): ends this process without any exit handler. */
  exitNow(status: number): never;
  /** Unmaps the code of this program, which is mapped again where it runs. */
  dropProgram(): void;
  /** An empty memfd that can be written. */
  memory(name: string): number;
  close(fd: number): void;
  /** The whole content of a file of at most 64 MiB as UTF-8. */
  readText(path: string): string;
  /** As `readText`; undefined for ENOENT and ENOTDIR. */
  readTextIfThere(path: string): string | undefined;
  /** Whether access(2) finds it. */
  exists(path: string): boolean;
  /** @param exclusive throws EEXIST for a file that is there, which is overwritten else */
  createText(path: string, text: string, mode: number, exclusive: boolean): void;
  /** For flock(2): made with mode 0600 if it is missing, and no link. */
  openLock(path: string): number;
  /** Whether the path names the file that is open. */
  isNamed(fd: number, path: string): boolean;
  /** Where a directory really is, links resolved. */
  realDirectory(path: string): string;
  /** flock(2). With `wait` false returns false instead of EWOULDBLOCK. */
  flock(fd: number, mode: 'exclusive' | 'shared' | 'unlock', wait: boolean): boolean;
  /**
   * Waits for the lock in a thread of its own and then calls `done` with 0 or an errno. Closing `fd` before that gives
   * the wait up: the lock is let go as soon as it is had. Does not keep the program from ending.
   */
  flockWait(fd: number, mode: 'exclusive' | 'shared', done: (errno: number) => void): void;
  /**
   * Of containers that are thought to run, given as lines "ID PID START" (field 22 of /proc/PID/stat), the ids of those that
   * have ended: the process has, or exit.json is there, or nobody locks shim.lock, both in DIRECTORY/ID. Those whose shim
   * claims in `alive` that they live (native/system/alive.h) are asked for no more than their process.
   */
  ended(directory: string, alive: string, lines: string): string[];
  /** As `ended`, by a thread. @returns its number for `endedFound`, which must be called once */
  endedAhead(directory: string, alive: string, lines: string): number;
  /** Waits for the thread. */
  endedFound(ahead: number): string[];
  /**
   * A table of lines with tabs between their cells: each column as wide as its widest cell and `gap`, at least `least`
   * characters, the last one as it is. A number between U+0001 and U+0002 is a time (milliseconds since the epoch) that
   * is shown as how long it was ago at `now`, by the first of `steps` that holds it: "BELOW EACH EARLY WORDS", for less
   * than BELOW milliseconds, is WORDS; or, where EACH is not 0, how many times EACH goes into it and EARLY together, and
   * WORDS.
   */
  table(lines: string, now: number, least: number, gap: number, steps: readonly string[]): string;
  /**
   * Calls `changed` after each change of one of the paths (for a directory: of what lies in it), once for what comes at
   * once (inotify(7)). Closing the descriptor that it returns ends the watch; until then it keeps the program alive.
   */
  watch(paths: readonly string[], changed: () => void): number;
  /** openat2(2); `resolve` are RESOLVE_* bits, `flags` O_*. */
  openat2(directory: number, path: Name, flags: number, mode: number, resolve: number): number;
  mkdirat(directory: number, name: Name, mode: number): void;
  mknodat(directory: number, name: Name, mode: number, major: number, minor: number): void;
  symlinkat(target: Name, directory: number, name: Name): void;
  linkat(fromDirectory: number, from: Name, toDirectory: number, to: Name): void;
  unlinkat(directory: number, name: Name, isDirectory: boolean): void;
  /** An entry with all below it; links are not followed. @returns whether it was there */
  removeTree(directory: number, name: Name): boolean;
  /** `noReplace`: RENAME_NOREPLACE. */
  renameat(fromDirectory: number, from: Name, toDirectory: number, to: Name, noReplace: boolean): void;
  /** fchownat with AT_SYMLINK_NOFOLLOW. */
  chownat(directory: number, name: Name, uid: number, gid: number): void;
  /** fchmodat2 with AT_SYMLINK_NOFOLLOW or its fallback through /proc/self/fd. */
  chmodat(directory: number, name: Name, mode: number): void;
  /** utimensat with AT_SYMLINK_NOFOLLOW; seconds may be negative. */
  utimensat(
    directory: number,
    name: Name,
    atimeSec: number,
    atimeNsec: number,
    mtimeSec: number,
    mtimeNsec: number,
  ): void;
  fchown(fd: number, uid: number, gid: number): void;
  fchmod(fd: number, mode: number): void;
  futimens(fd: number, atimeSec: number, atimeNsec: number, mtimeSec: number, mtimeNsec: number): void;
  /** Extended attribute of the entry itself, not what a link points to. */
  setxattrat(directory: number, name: Name, attribute: string, value: Uint8Array): void;
  /** fstatat(2) of the entry itself, as doubles; `kernel/entry-facts.ts` knows their order. */
  entryFacts(directory: number, name: Name): Uint8Array;
  /** fstat(2), in the same form. */
  descriptorFacts(fd: number): Uint8Array;
  /** statx(2) of the entry itself: 1 where something is mounted on it. Kernels before 5.8 don't tell. */
  isMountPoint(directory: number, name: Name): number;
  readlinkat(directory: number, name: Name): Uint8Array;
  /** Names of the extended attributes of the entry itself, each ended by NUL. */
  listxattrat(directory: number, name: Name): Uint8Array;
  /** Undefined when the entry has no such attribute, or its file system none at all. */
  getxattrat(directory: number, name: Name, attribute: string): Uint8Array | undefined;
  /** A descriptor of a private clone of the mount at `path` without what is mounted below it (open_tree(2)). */
  cloneMount(path: string): number;
  /** write(2) until all is written. */
  writeAll(fd: number, bytes: Uint8Array): void;
  /** lseek(2) forward from where the descriptor is. */
  skip(fd: number, bytes: number): void;
  /** A netlink socket bound in the caller's network namespace; protocol NETLINK_ROUTE 0 or NETLINK_NETFILTER 12. */
  netlinkOpen(protocol: number): number;
  /**
   * Sends `request` (one or more netlink messages, or an nf_tables batch) and collects replies until every message
   * that asked for an acknowledgement has it, or a dump is done. Negative acknowledgements are returned, not thrown.
   */
  netlinkTransact(fd: number, request: Uint8Array): Uint8Array[];
  /** Binds (and for TCP listens on) an IPv4 address and port, and closes again: throws what a server would get. */
  tryBind(udp: boolean, address: string, port: number): void;
  /** A blocking stream socket that is connected to a listener in the file system (unix(7)). */
  connectLocal(path: string): number;
  /** socketpair(2) of SOCK_SEQPACKET: one write, one packet. */
  packetPair(): [number, number];
  /** Opens a fifo for reading without waiting for a writer; reading then waits, and ends when there is none. */
  openFifo(path: string): number;
  /** read(2) of at most 4096 bytes, or a packet; empty at the end. Blocks the thread. */
  readOnce(fd: number): Uint8Array;
  /** send(2), for a socket of packets. */
  sendPacket(fd: number, bytes: Uint8Array): void;
  /**
   * From now on signals of the set (bit n is signal n, below 32) are sent to a launcher's channel as they come, also
   * while this thread waits; with -1 they do again what they do by default,
   * and those that are not in the set, but were in one, nothing.
   */
  passSignals(channel: number, signals: number): void;
  /** pipe2(2): the end to read from, the end to write to. */
  pipe(): [number, number];
  /** The same, for much: with room for a mebibyte where the user may have that (pipe(7), pipe-max-size). */
  widePipe(): [number, number];
  /** A unix datagram socket that is bound to `path` (mode 0777), or to an abstract name after "@" (unix(7)). */
  bindDatagrams(path: string): number;
  /** The next datagram, at most 4096 bytes of it; undefined when none comes in that many milliseconds. Blocks the thread. */
  receiveDatagram(fd: number, timeout: number): Uint8Array | undefined;
  /** To an address as `bindDatagrams` takes it. */
  sendDatagram(path: string, bytes: Uint8Array): void;
  pidfdOpen(pid: number): number;
  pidfdSendSignal(fd: number, signal: number): void;
  /** Puts a terminal into raw mode, output too (cfmakeraw(3)); @returns what `restoreTerminal` takes. */
  rawTerminal(fd: number): Uint8Array;
  restoreTerminal(fd: number, before: Uint8Array): void;
  /** Nanoseconds since the epoch (clock_gettime(2), CLOCK_REALTIME). */
  now(): bigint;
  /** Effective capabilities of this process (capget(2)). */
  effectiveCapabilities(): bigint;
  /** Sets FS_TOPDIR_FL on a directory (ioctl_iflags(2)); ENOTTY or EOPNOTSUPP where the file system has no such flag. */
  markTopDirectory(directory: number): void;
  /**
   * Whether the file system makes files in the empty directory as quickly as it can, by the processor time that two of them
   * took; they are gone then. True where that can't be found.
   */
  isQuickToFill(directory: number): boolean;
  /** A new btrfs subvolume, of its parent's file system (btrfs(5)); ENOTTY elsewhere. */
  createSubvolume(parent: number, name: Name): void;
  /** A writable snapshot of the subvolume whose root `source` is. */
  snapshotSubvolume(source: number, parent: number, name: Name): void;
  /** Removes a subvolume with all that is in it. */
  removeSubvolume(parent: number, name: Name): void;
  /** Makes an empty file as another one: by shared extents where there are such (ioctl_ficlone(2)); holes stay holes. */
  copyContent(from: number, to: number): void;
  /** Puts a directory, and what is made below it from now on, into a project (FS_IOC_FSSETXATTR). */
  setProject(directory: number, project: number): void;
  /** The project of a file or directory; 0 is none. */
  project(fd: number): number;
  /** Limits the disk space of a project, in bytes; 0 is no limit (quotactl_fd(2)). Any descriptor of the file system. */
  limitProject(fd: number, project: number, bytes: number): void;
  /** Whether the file system keeps limits of projects. */
  projectQuota(fd: number): boolean;
  /**
   * Makes an overlay of `lower`, `upper` and `work` in the directory, which are there, writes to it and takes it apart; it
   * is attached nowhere. Throws what the kernel says.
   */
  tryOverlay(directory: string, userAttributes: boolean): void;
  /** mount(2) of overlayfs, relative names in `options` beginning at `directory`. */
  mountOverlay(directory: string, target: string, options: string, readOnly: boolean): void;
  /** Binds a directory without what is mounted below it (open_tree(2), move_mount(2)). */
  bindDirectory(source: string, target: string, readOnly: boolean): void;
  /** Binds the root of the mount namespace of a process, without what is mounted below it. */
  bindRootOf(pid: number, target: string): void;
  /** Maps ids of a detached clone of the directory's mount (mount_setattr(2)); throws what the kernel says. */
  tryIdMap(directory: string): void;
  /** umount2(2); with `detach` also while it is in use. No link is followed. */
  unmount(target: string, detach: boolean): void;
  /** Begins to write these dirty bytes to the disk, and does not wait for it (sync_file_range(2)). A hint. */
  startWriteback(fd: number, offset: number, bytes: number): void;
  /** syncfs(2) on the file system of the descriptor. */
  syncfs(fd: number): void;
  /**
   * Decodes whole lines of Docker's json-file format from `source` into `target`, which must not overlap it, those from
   * `since` to `until` (30 bytes as in the file, "" for no limit), with `times` each after its time and a space. The
   * lengths of what is in the target, by stream, go into `runs`, native uint32 (0x80000000 is added for stderr).
   * @returns three native uint32: bytes of the source that are done, number of runs, why it stopped (enum log_stop)
   */
  decodeLog(
    source: Uint8Array,
    target: Uint8Array,
    runs: Uint8Array,
    times: boolean,
    since: string,
    until: string,
  ): Uint8Array;
}
