/**
 * What may not be written in the sources, because whole classes of attacks began with it. `make check` fails on a line
 * that breaks a rule; a place that has to is named here with its reason, and an exception that nothing needs fails too.
 */
export type HazardRule = {
  /** As the message says it. */
  readonly rule: string;
  /** Files by their path in the repository. */
  readonly files: RegExp;
  /** What is looked for in a statement without its comments; with `unless`, only where that is not found. */
  readonly pattern: RegExp;
  readonly unless?: RegExp;
  readonly exceptions?: readonly Exception[];
};

export type Exception = {
  readonly file: string;
  /** In the statement; absent: all of the file. */
  readonly text?: string;
  readonly why: string;
};

/** C that runs on the machines of users: not the probe, which is the attacker, nor the fuzzer. */
const native = /^native\/(?!probe\/|fuzz\/)[^/]+\/[^/]+\.[ch]$/;
/** What runs as the first process of a container, with paths of the image or the bundle in its hands. */
const inside = /^native\/step\/(?:step-[^/]+|target|kernel-mount|proc|accounts)\.c$/;
const source = /^src\/.*(?<!\.test)\.ts$/;

export const hazards: readonly HazardRule[] = [
  {
    rule: "no shell and no search along the caller's PATH: execve(2) with a path (THREATS N)",
    files: native,
    pattern: /\b(?:system|popen|wordexp|execlp?|execle|execvpe?|posix_spawnp)\s*\(/,
    exceptions: [{ file: 'native/shim/unshare.c', why: "the user's own command, found as his shell would" }],
  },
  {
    rule: 'a program is executed in one of few places (THREATS A, S)',
    files: native,
    pattern: /\b(?:execve|execveat|fexecve|posix_spawn)\s*\(/,
    exceptions: [
      {
        file: 'native/addon/addon_process.c',
        why: 'criu and the like in place of onggi',
      },
      { file: 'native/addon/addon_spawn.c', why: 'the shim, through a sealed descriptor' },
      { file: 'native/shim/enter.c', why: 'onggi itself, by its absolute path' },
      { file: 'native/shim/health.c', why: 'onggi, which sees to an unhealthy container' },
      { file: 'native/shim/hook.c', why: 'hooks of the bundle' },
      { file: 'native/step/idmap.c', why: 'newuidmap and newgidmap' },
      { file: 'native/shim/reaper.c', why: 'this program as a file of the container, in place of its copy there' },
      { file: 'native/shim/runtime.c', why: 'the runtime of --runtime, by its absolute path' },
      { file: 'native/shim/shim.c', why: 'onggi reconcile' },
      { file: 'native/step/step-exec.c', why: 'the command of the container' },
    ],
  },
  {
    rule: "nobody executes what /proc/self/exe says: in a container that is the attacker's (CVE-2019-5736)",
    files: /^(?:native\/(?!probe\/|fuzz\/)|src\/(?!.*\.test\.ts$))/,
    pattern: /\/proc\/(?:self|thread-self)\/exe/,
  },
  {
    rule: 'a descriptor is closed by exec from its first moment (THREATS B)',
    files: native,
    pattern:
      /\b(?:open|openat|socket|socketpair|accept4|pipe2|memfd_create|eventfd|epoll_create1|signalfd|inotify_init1|dup3)\s*\((?!.*\bNULL, 0\))/,
    unless: /CLOEXEC|\bFLAGS\b|^\S.*\)\s*\{$/,
  },
  {
    rule: "calls that can't close on exec have successors that can (THREATS B)",
    files: native,
    pattern:
      /(?<![\w>.])(?:pipe|accept|dup|creat|epoll_create|inotify_init|eventfd0|tmpfile)\s*\(|\bF_DUPFD\b|"[rwa]b?\+?"\)/,
  },
  {
    rule: 'paths of a container are opened, made and mounted on through path.h (THREATS D)',
    files: inside,
    pattern:
      /(?<![\w.>])(?:open|fopen|opendir|stat|mkdir|mknod|symlink|link|rename|unlink|rmdir|chmod|chown|lchown|truncate|mount|umount2?|sys_mount|sys_umount|chroot|chdir)\s*\((?!"\/")|\bAT_FDCWD\b/,
    exceptions: [
      {
        file: 'native/step/proc.c',
        text: 'init->root >= 0 ? init->root : AT_FDCWD',
        why: 'no root of its own: an exec, which is inside',
      },
      {
        file: 'native/step/step-bind.c',
        text: 'mount_clone(AT_FDCWD, source',
        why: 'the source of a bind is a path of the host',
      },
      {
        file: 'native/step/step-mount.c',
        text: 'sys_mount(NULL, of_holder',
        why: 'propagation from the top down, before there is a root',
      },
      {
        file: 'native/step/step-identity.c',
        text: 'open(path, O_WRONLY | O_CREAT | O_TRUNC',
        why: 'config.json for another runtime, which is a file of the host',
      },
      {
        file: 'native/step/step-exec.c',
        text: 'open("/proc/self/ns/net"',
        why: 'its own network namespace, for criu on the host',
      },
      {
        file: 'native/step/step-exec.c',
        text: 'open(path, O_RDONLY | O_DIRECTORY',
        why: "criu's directories, which are of the host",
      },
      { file: 'native/step/step-move-root.c', why: 'mounts of the host, by the names that the kernel gives them' },
      { file: 'native/step/step-overlay.c', why: 'layers and the place of the root are of the store' },
      {
        file: 'native/step/step-process.c',
        text: 'init->root >= 0 ? init->root : AT_FDCWD',
        why: 'an exec, which is inside',
      },
      {
        file: 'native/step/step-process.c',
        text: 'stat(path, &status)',
        why: 'after the pivot, as the user of the container',
      },
      { file: 'native/step/step-process.c', text: 'SYS_faccessat2', why: 'the same' },
      { file: 'native/step/step-root.c', text: 'init->root = (int)SYS(open(path', why: 'the root itself' },
      {
        file: 'native/step/step-root.c',
        text: 'mount_clone(AT_FDCWD, path, 0)',
        why: 'a device of the host, compared by number',
      },
      { file: 'native/step/step-root.c', text: 'sys_umount(".", UMOUNT_DETACH)', why: 'the old root' },
      { file: 'native/step/step-root.c', text: 'sys_mount(NULL, "."', why: 'the old root' },
    ],
  },
  {
    rule: 'openat2(2) is called where its flags are thought about: path.c, proc.c',
    files: native,
    pattern: /\bsys_openat2\s*\(/,
    exceptions: [
      { file: 'native/step/path.c', why: 'RESOLVE_IN_ROOT' },
      { file: 'native/step/proc.c', why: 'RESOLVE_BENEATH' },
      { file: 'native/system/syscalls.h', why: 'defines it' },
    ],
  },
  {
    rule: 'nobody changes a mode or an owner through a link: who sees the directory may put one there (THREATS E, F)',
    files: native,
    pattern: /\b(?:fchmodat|fchownat|utimensat)\s*\(/,
    unless: /AT_SYMLINK_NOFOLLOW|AT_EMPTY_PATH/,
  },
  {
    rule: 'strings are written with their size',
    files: native,
    pattern: /\b(?:strcpy|strcat|sprintf|vsprintf|gets|alloca|strtok|mktemp|tmpnam|strncpy|strncat|atoi|atol)\s*\(/,
  },
  {
    rule: 'no abstract sockets: anybody in the network namespace can connect (CVE-2020-15257)',
    files: /^(?:native\/(?!probe\/|fuzz\/)|src\/(?!.*\.test\.ts$))/,
    pattern: /sun_path\[0\]\s*=\s*'\\0'|listen\(\s*'\\0|path:\s*'\\0/,
    exceptions: [{ file: 'native/addon/addon_datagram.c', why: 'connects to the systemd that NOTIFY_SOCKET names' }],
  },
  {
    rule: 'no shell: programs are started with a list of arguments (THREATS N)',
    files: source,
    pattern: /\bexec(?:File)?(?:Sync)\b|\bexecFile\b|\bshell:\s*(?!false)/,
  },
  {
    rule: 'another program is started in one of few places (THREATS S)',
    files: source,
    pattern: /node:child_process/,
    exceptions: [
      { file: 'src/criu/dump.ts', why: 'criu' },
      { file: 'src/engine/log/journal.ts', why: 'journalctl, which knows the files of the journal' },
      { file: 'src/image/old-compression.ts', why: 'xz and bzip2 as nobody, by absolute path' },
      { file: 'src/bundle/hook.ts', why: 'hooks that the bundle names' },
      { file: 'src/runtime/process-table.ts', why: 'ps, for its columns, on the host' },
      { file: 'src/cli/process-context.ts', why: 'onggi itself, to reconcile' },
      { file: 'src/engine/container/restart-wait.ts', why: 'onggi itself, to start a container again' },
      { file: 'src/engine/oci-runtime/bundle.ts', why: 'the runtime of --runtime, by its absolute path' },
      { file: 'src/engine/copy/helper.ts', why: 'onggi itself, in the user namespace of a container' },
      { file: 'src/engine/signature/gpg.ts', why: 'gpgv, for simple signatures' },
      { file: 'src/engine/signature/simple-signing.ts', why: 'gpg, with the keyring of the user who signs' },
      { file: 'src/network/pasta.ts', why: 'pasta, the network of containers of ordinary users' },
      { file: 'src/registry/credential-helper.ts', why: "the helper that the user's settings name" },
    ],
  },
  {
    rule: 'no code from text',
    files: source,
    pattern: /\beval\s*\(|\bnew Function\b|\bvm\.run/,
  },
];
