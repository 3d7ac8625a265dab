/**
 * For each attack by name, what to take out of the sources so that it succeeds. `make test-weakened` builds each of
 * these and expects the tests of that name to fail: a defence that nothing misses is not tested.
 */
export type Edit = { readonly file: string; readonly from: string; readonly to: string };

export type Weakness = {
  /** What the names of the tests begin with, behind the way. */
  readonly test: string;
  /** What is missing, in words. */
  readonly without: string;
  readonly edits: readonly Edit[];
};

const leakRoot: Edit = {
  file: 'native/shim/main.c',
  from: '    static struct shim shim;\n',
  to: '    static struct shim shim;\n    for (int i = 0; i < 3; i++) SYS(fcntl(open("/", O_PATH | O_DIRECTORY), F_DUPFD, 7 + i));\n',
};
const keepLeaks: readonly Edit[] = [
  {
    file: 'native/shim/main.c',
    from: 'sys_close_range(HANDED_FD + handed_over(options), ~0u, 0);',
    to: '(void)handed_over(options);',
  },
  {
    file: 'native/step/init.c',
    from: 'return sys_close_range((unsigned)first + (unsigned)count, ~0u, 0);',
    to: 'return first * count * 0;',
  },
];
const plainDirectory: readonly Edit[] = [
  {
    file: 'native/step/step-process.c',
    from: 'int result = directory < 0 ? directory : (int)SYS(fchdir(directory));\n    if (result == 0) result = check_directory();',
    to: 'int result = (int)SYS(chdir(path));\n    if (result == -2000) result = check_directory();',
  },
];
/** Paths of the container as the kernel resolves them for anybody. */
const openLookup: Edit = {
  file: 'native/step/path.c',
  from: 'RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve',
  to: '(resolve & 0)',
};
const laxTargets: Edit = {
  file: 'native/step/target.c',
  from: 'if (!strict) return root_make',
  to: 'if (!strict || 1) return root_make',
};
const anyCover: Edit = {
  file: 'native/step/target.c',
  from: 'if (!on_procfs(target)) {',
  to: 'if (1) {\n        return 0;',
};
const anyKernelMount: Edit = {
  file: 'native/step/kernel-mount.c',
  from: 'if (result == 0) return fail(&init->failure, ESTALE',
  to: 'if (result == 2) return fail(&init->failure, ESTALE',
};

/** procfs and sysfs by their paths, wherever these lead. */
const strayKernelMounts: readonly Edit[] = [
  laxTargets,
  anyKernelMount,
  { file: 'native/step/kernel-mount.c', from: 'init->kernel_mounts[i] = kept;', to: 'close(kept);' },
];

export const weaknesses: readonly Weakness[] = [
  {
    test: 'CVE-2018-15664',
    without: 'paths of a container resolved inside its root',
    edits: [
      {
        file: 'src/kernel/directory.ts',
        from: 'const inRoot = resolveInRoot | resolveNoMagicLinks;',
        to: 'const inRoot = 0 & resolveInRoot & resolveNoMagicLinks;',
      },
    ],
  },
  {
    test: 'CVE-2019-14271',
    without: 'the rule that a copy executes and loads nothing of the container',
    edits: [
      {
        file: 'src/engine/copy/view.ts',
        from: '  const process = { pid, startTime: pidStartTime };\n',
        to: "  const process = { pid, startTime: pidStartTime };\n  globalThis.process.getBuiltinModule('node:child_process').spawnSync('chroot', ['--userspec=nobody', `/proc/${pid}/root`, '/bin/true']);\n",
      },
    ],
  },
  {
    test: 'CVE-2019-5736',
    without: 'the read-only clone and the sealed copy that the shim is executed from',
    edits: [
      {
        file: 'native/addon/addon_process.c',
        from: 'int fd = clone_read_only(path);',
        to: 'int fd = open(path, O_PATH | O_CLOEXEC);',
      },
      {
        file: 'native/addon/addon_process.c',
        from: 'int fd = copy_sealed(path);',
        to: 'int fd = open(path, O_PATH | O_CLOEXEC);',
      },
    ],
  },
  { test: 'CVE-2019-16884', without: 'the check of what is mounted over /proc', edits: [anyCover] },
  {
    test: 'CVE-2019-19921',
    without: 'procfs by descriptor and the last look at where it is',
    edits: strayKernelMounts,
  },
  { test: 'CVE-2021-30465', without: 'mount points resolved inside the root', edits: [openLookup] },
  {
    test: 'CVE-2022-29162',
    without: 'the empty inheritable set',
    edits: [
      {
        file: 'src/runtime/plan/process.ts',
        from: 'availableSet(asked.inheritable ?? [], context)',
        to: 'availableSet(asked.permitted ?? [], context)',
      },
    ],
  },
  {
    test: 'CVE-2023-25809',
    without: '"ro" of the whole of the kernel\'s trees',
    edits: [
      {
        file: 'src/runtime/plan/mounts.ts',
        from: 'if (!recursive || ',
        to: 'if (recursive || ',
      },
      {
        file: 'src/runtime/plan/cgroup-mount.ts',
        from: 'flags: options.flags }',
        to: 'flags: { bits: 0, words: [] } }',
      },
    ],
  },
  { test: 'CVE-2023-27561', without: 'the refusal of links on the way to /proc and /sys', edits: strayKernelMounts },
  {
    test: 'CVE-2023-28642',
    without: 'the refusal of links on the way to /proc, and the check of what covers it',
    edits: [...strayKernelMounts, anyCover],
  },
  {
    test: 'CVE-2024-21626',
    without: 'closed descriptors and the check of the working directory',
    edits: [leakRoot, ...keepLeaks, ...plainDirectory],
  },
  { test: 'CVE-2024-45310', without: 'mount points made inside the root', edits: [openLookup] },
  {
    test: 'CVE-2025-31133',
    without: 'the look at what /dev/null is',
    edits: [
      {
        file: 'native/step/step-root.c',
        from: 'scoped_fd fd = root_open(init->root, "/dev/null", O_PATH, RESOLVE_NO_SYMLINKS);',
        to: 'scoped_fd fd = root_open(init->root, "/dev/null", O_PATH, 0);',
      },
      {
        file: 'native/step/step-root.c',
        from: 'status.st_rdev != makedev(1, 3))) result = -EPERM',
        to: 'status.st_rdev == 0)) result = 0',
      },
    ],
  },
  {
    test: 'CVE-2025-52565',
    without: 'the terminal by its master',
    edits: [
      {
        file: 'native/step/step-console.c',
        from: 'O_RDWR | O_NOCTTY | O_NONBLOCK, RESOLVE_NO_SYMLINKS',
        to: 'O_RDWR | O_NOCTTY | O_NONBLOCK, 0',
      },
      {
        file: 'native/step/step-console.c',
        from: 'bind_console(const struct init *init, int slave) {\n    scoped_fd tree = mount_clone(slave, "", 0);',
        to: 'bind_console(const struct init *init, int slave) {\n    (void)slave;\n    scoped_fd name = root_open(init->root, "/dev/pts/0", O_PATH, 0);\n    scoped_fd tree = mount_clone(name, "", 0);',
      },
    ],
  },
  {
    test: 'CVE-2025-52881',
    without: 'a procfs of its own, and the check of what was opened',
    edits: [
      {
        file: 'native/step/proc.c',
        from: 'scoped_fd fd = mount_private();',
        to: '(void)mount_private;\n    scoped_fd fd = -1;',
      },
      {
        file: 'native/step/proc.c',
        from: 'fstatfs(fd, &status) == 0 && status.f_type == MAGIC_PROC',
        to: 'fstatfs(fd, &status) == 0',
      },
      {
        file: 'native/step/proc.c',
        from: 'O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);',
        to: 'O_PATH | O_DIRECTORY, 0);',
      },
      { file: 'native/step/proc.c', from: ' | RESOLVE_NO_XDEV', to: '' },
      anyCover,
    ],
  },
  {
    test: 'system calls that a container has no need of',
    without: 'the filter',
    edits: [
      {
        file: 'native/step/step-seccomp.c',
        from: 'listener_install(init, load, &filter) : load(&filter)',
        to: 'listener_install(init, load, &filter) : 0',
      },
    ],
  },
  {
    test: 'files that root is asked to write',
    without: 'the archive that takes the place of a link',
    edits: [
      {
        file: 'src/transport/archive-sink.ts',
        from: '|| found.isFile()) return false;',
        to: '|| (found.isFile() && !own.isSymbolicLink())) return false;',
      },
    ],
  },
  {
    test: 'U changes nobody',
    without: 'the way to a bind on which no link is followed',
    edits: [
      {
        file: 'src/engine/volume/real-source.ts',
        from: "openRealDirectory(top, directory.replace(/^\\/+/, ''))",
        to: 'openDirectory(directory)',
      },
    ],
  },
];
