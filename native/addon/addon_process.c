/* Calls that start and watch processes, and the memory files that they are started with. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10u /* Linux 6.3 */
#endif

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Hands a scoped descriptor on: the scope no longer closes it. */
static int keep(int *fd) {
    int kept = *fd;
    *fd = -1;
    return kept;
}

/*
 * A read-only clone of the file's mount, attached nowhere. Whoever opens /proc/PID/exe of a program that was
 * executed through it reaches this mount and gets EROFS on opening for writing, also after the program has ended
 * (CVE-2019-5736); page cache is shared with the file, unlike that of a copy.
 */
static int clone_read_only(const char *path) {
    SCOPED_FD fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd == -1) return -1;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV};
    if (mount_setattr(fd, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == -1) return -1;
    return keep(&fd);
}

static int copy_whole(int target, int source) {
    for (;;) {
        ssize_t copied;
        RETRY(copied, sendfile(target, source, NULL, 1 << 20));
        if (copied <= 0) return (int)copied;
    }
}

static int create_memory(const char *name, unsigned flags) {
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
    /* EINVAL: a kernel before 6.3, where every memfd is executable. */
    return fd == -1 && errno == EINVAL && flags != 0 ? create_memory(name, 0) : fd;
}

static int copy_sealed(const char *path) {
    SCOPED_FD source = open(path, O_RDONLY | O_CLOEXEC);
    if (source == -1) return -1;
    SCOPED_FD copy = create_memory("onggi", MFD_EXEC);
    if (copy == -1) return -1;
    if (copy_whole(copy, source) == -1 || fchmod(copy, 0555) == -1 || fcntl(copy, F_ADD_SEALS, ALL_SEALS) == -1) {
        return -1;
    }
    return keep(&copy);
}

/* All that run it share its pages. */
int sealed_clone(const char *path) {
    int fd = clone_read_only(path);
    /* No CAP_SYS_ADMIN over the mount namespace, a seccomp filter, or a kernel before 5.12. */
    return fd == -1 && (errno == EPERM || errno == ENOSYS) ? copy_sealed(path) : fd;
}

static napi_value run_sealed_executable(napi_env env, const struct argument *a) {
    return check_number(env, "sealedExecutable", sealed_clone(a[0].text));
}

/*
 * For what is executed once and has ended soon: to take such a mount down again makes the caller wait for the whole
 * machine to have forgotten it (synchronize_rcu_expedited), ten times as long as to copy the file takes.
 */
int sealed_copy(const char *path) {
    int fd = copy_sealed(path);
    /* vm.memfd_noexec, or a policy that lets nobody execute memory. */
    return fd == -1 && (errno == EACCES || errno == EPERM) ? clone_read_only(path) : fd;
}

static napi_value run_memory(napi_env env, const struct argument *a) {
    return check_number(env, "memfd_create", create_memory(a[0].text, 0));
}

static napi_value run_wait_process(napi_env env, const struct argument *a) {
    int status = 0;
    pid_t waited;
    RETRY(waited, waitpid((pid_t)a[0].number, &status, 0));
    return waited == -1 ? throw_errno(env, "waitpid", errno) : check_number(env, "waitpid", status);
}

static napi_value run_pidfd_open(napi_env env, const struct argument *a) {
    return check_number(env, "pidfd_open", syscall(SYS_pidfd_open, (pid_t)a[0].number, 0u));
}

static napi_value run_pidfd_send_signal(napi_env env, const struct argument *a) {
    return check(env, "pidfd_send_signal",
                 syscall(SYS_pidfd_send_signal, (int)a[0].number, (int)a[1].number, NULL, 0u));
}

static napi_value run_effective_capabilities(napi_env env, const struct argument *a) {
    (void)a;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &header, sets) == -1) return throw_errno(env, "capget", errno);
    napi_value value;
    uint64_t effective = (uint64_t)sets[1].effective << 32 | sets[0].effective;
    return napi_create_bigint_uint64(env, effective, &value) == napi_ok ? value : NULL;
}

static napi_value run_now(napi_env env, const struct argument *a) {
    (void)a;
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) == -1) return throw_errno(env, "clock_gettime", errno);
    napi_value value;
    uint64_t ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    return napi_create_bigint_uint64(env, ns, &value) == napi_ok ? value : NULL;
}

static napi_value run_execute(napi_env env, const struct argument *a) {
    /* The engine's own are close-on-exec, but not all of what it was started with need be. */
    if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) == -1) return throw_errno(env, "close_range", errno);
    execve(a[0].text, a[1].list, a[2].list);
    return throw_errno(env, "execve", errno);
}

static napi_value run_exit_now(napi_env env, const struct argument *a) {
    (void)env;
    _exit((int)a[0].number);
}

/* Of the first object, the program itself: what is as its file has it, and is read from there again when it is needed. */
static int drop_segments(struct dl_phdr_info *program, size_t size, void *unused) {
    (void)size;
    (void)unused;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (unsigned i = 0; i < program->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &program->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0) continue;
        uintptr_t start = program->dlpi_addr + segment->p_vaddr;
        uintptr_t end = start + segment->p_filesz;
        start &= ~(page - 1);
        (void)madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 1;
}

static napi_value run_drop_program(napi_env env, const struct argument *a) {
    (void)env;
    (void)a;
    dl_iterate_phdr(drop_segments, NULL);
    return NULL;
}

static napi_value run_raise_descriptor_limit(napi_env env, const struct argument *a) {
    (void)a;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) return throw_errno(env, "getrlimit", errno);
    limit.rlim_cur = limit.rlim_max;
    return check(env, "setrlimit", setrlimit(RLIMIT_NOFILE, &limit));
}

const struct call process_calls[] = {
    {"sealedExecutable", "s", run_sealed_executable},
    {"memory", "s", run_memory},
    {"waitProcess", "i", run_wait_process},
    {"execute", "sSS", run_execute},
    {"exitNow", "i", run_exit_now},
    {"dropProgram", "", run_drop_program},
    {"pidfdOpen", "i", run_pidfd_open},
    {"pidfdSendSignal", "fi", run_pidfd_send_signal},
    {"effectiveCapabilities", "", run_effective_capabilities},
    {"now", "", run_now},
    {"raiseDescriptorLimit", "", run_raise_descriptor_limit},
    {0},
};
