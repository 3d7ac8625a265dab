#include "confine.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "syscalls.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "no audit number of this architecture is known here"
#endif

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

#define FIELD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define GO BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define ALLOW(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), GO

/* What unpack*.c and remove.c call, and what libc needs for memory and directories. No memory can be made executable. */
static struct sock_filter filter[] = {
    FIELD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0), KILL, FIELD(nr),
    ALLOW(SYS_read), ALLOW(SYS_write), ALLOW(SYS_writev), ALLOW(SYS_close), ALLOW(SYS_openat), ALLOW(SYS_openat2), ALLOW(SYS_utimensat),
    ALLOW(SYS_fchown), ALLOW(SYS_fchmod), ALLOW(SYS_fchownat), ALLOW(SYS_fchmodat), ALLOW(SYS_fchmodat2),
    ALLOW(SYS_mkdirat), ALLOW(SYS_mknodat), ALLOW(SYS_symlinkat), ALLOW(SYS_linkat), ALLOW(SYS_unlinkat), ALLOW(SYS_renameat),
    ALLOW(SYS_fsetxattr), ALLOW(SYS_lsetxattr), ALLOW(SYS_fremovexattr), ALLOW(SYS_lremovexattr), ALLOW(SYS_fstat), ALLOW(SYS_newfstatat), ALLOW(SYS_statx),
    ALLOW(SYS_lseek), ALLOW(SYS_ftruncate), ALLOW(SYS_getdents64), ALLOW(SYS_fchdir), ALLOW(SYS_fcntl), ALLOW(SYS_getpid), ALLOW(SYS_sync_file_range),
    ALLOW(SYS_brk), ALLOW(SYS_munmap), ALLOW(SYS_mremap), ALLOW(SYS_madvise), ALLOW(SYS_exit), ALLOW(SYS_exit_group), ALLOW(SYS_rt_sigprocmask),
#ifdef SYS_rename
    ALLOW(SYS_rename),
#endif
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0), KILL, FIELD(args[2]),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1), KILL, GO,
};

static int load_filter(void) {
#ifdef __SANITIZE_ADDRESS__
    /* The sanitizer calls what it likes. */
    (void)filter;
    return 0;
#else
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    return (int)SYS(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
#endif
}

/* Keeps those of `kept` that there are: an ordinary user's namespace may lack some, and what needs them fails then. */
static int keep_capabilities(uint64_t kept) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};
    int result = (int)SYS(syscall(SYS_capget, &header, data));
    if (result < 0) return result;
    for (int half = 0; half < 2; half++) {
        data[half].permitted &= (uint32_t)(kept >> 32 * half);
        data[half].effective = data[half].permitted;
        data[half].inheritable = 0;
    }
    return (int)SYS(syscall(SYS_capset, &header, data));
}

#define BIT(capability) (UINT64_C(1) << (capability))

int confine(int root, bool trusted, struct failure *failure) {
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGPIPE, SIGXFSZ};
    const uint64_t files = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_MKNOD) | BIT(CAP_SETFCAP);
    /* Meant for the command that waits for us; when it dies, so do we. */
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) signal(ignored[i], SIG_IGN);
    int result = (int)SYS(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
    if (result == 0) result = (int)SYS(prctl(PR_SET_NAME, "onggi-unpack", 0, 0, 0));
    if (result == 0) result = (int)SYS(fchdir(root));
    if (result == 0) result = (int)SYS(chroot("."));
    if (result < 0) return fail(failure, result, "make the layer the root of its unpacker");
    result = keep_capabilities(trusted ? files | BIT(CAP_SYS_ADMIN) : files);
    if (result == 0) result = (int)SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    if (result == 0) result = load_filter();
    return result < 0 ? fail(failure, result, "take privileges away from the unpacker") : 0;
}
