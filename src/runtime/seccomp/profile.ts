/**
 * The default seccomp profile: which system calls a container may make. Pure.
 *
 * The lists are those of Docker's default profile (moby/profiles, seccomp/default_linux.go, commit 02e898b1), which
 * allows what it names and denies the rest with EPERM; some calls depend on a capability or the architecture. So
 * io_uring, keyctl, userfaultfd, kexec, swapon and, without CAP_SYS_ADMIN, new namespaces and mounts are denied.
 *
 * One departure, to the strict side: socketcall(2) of i386 hides the address family behind a pointer, where no filter
 * can see it. Docker 29.4.2 denied it, which took the network from 32-bit programs of Debian (its glibc knows no other
 * way), and then allowed it again and denied AF_ALG (CVE-2026-31431) and AF_VSOCK by AppArmor and SELinux rules
 * (moby/moby#52494, #52547, #53551). A machine without either LSM is open there. Here socketcall makes no new sockets
 * unless the container has CAP_SYS_ADMIN; socket(2), which i386 has had since Linux 4.3 and musl uses, works.
 */
import type { Seccomp, SeccompArgument, SeccompSyscall } from '../../oci/runtime-spec.ts';
import { enosys } from './action.ts';
import { architectureNames, type SeccompArchitecture } from './architecture.ts';

const always = `
  accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32 clock_adjtime
  clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
  clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1
  epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit
  exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2
  fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat
  fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait
  futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid
  getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom
  getresgid getresgid32 getresuid getresuid32 getrlimit get_robust_list getrusage getsid getsockname getsockopt
  get_thread_area gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init
  inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents io_pgetevents io_pgetevents_time64
  ioprio_get ioprio_set io_setup io_submit ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self
  lchown lchown32 lgetxattr link linkat listen listmount listxattr listxattrat llistxattr _llseek lremovexattr lseek
  lsetxattr lstat lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod
  mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive
  mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync
  munlock munlockall munmap name_to_handle_at nanosleep newfstatat _newselect open openat openat2 pause pidfd_open
  pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv
  preadv2 prlimit64 process_mrelease pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink
  readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename
  renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask
  rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
  sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler
  sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
  sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile
  sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32
  setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32
  setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address setuid setuid32 setxattr setxattrat
  shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn socketpair splice stat
  stat64 statfs statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time
  timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
  timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64
  ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4
  waitid waitpid write writev
`;

/** From this version of Linux on: before 4.8 a tracer could change a call after the filter had seen it (ptrace(2)). */
const ofKernel: readonly { readonly since: KernelVersion; readonly calls: string }[] = [
  { since: [4, 8], calls: 'process_vm_readv process_vm_writev ptrace' },
];

const ofArchitecture: Readonly<Record<SeccompArchitecture, string>> = {
  x86_64: 'arch_prctl modify_ldt',
  aarch64: 'arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls',
};

const ofCapability: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN: `
    bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
    lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname
    sethostname setns socketcall syslog umount umount2 unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module init_module finit_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
};

/**
 * Address families (AF_*, <linux/socket.h>) that socket(2) makes. From AF_UNIX to AF_ROSE without a gap, then those
 * named: NETBEUI SECURITY KEY NETLINK PACKET ASH, RDS SNA, PPPOX, LLC IB MPLS CAN TIPC BLUETOOTH IUCV RXRPC,
 * PHONET IEEE802154, NFC, KCM QIPCRTR SMC XDP MCTP. Not AF_ALG (38), AF_VSOCK (40) nor families that Linux dropped.
 */
const familiesBelow = 12;
const families = [13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45];

/** Values of personality(2): PER_LINUX, PER_LINUX32, both with UNAME26, and the query. */
const personalities = [0x0, 0x0008, 0x2_0000, 0x2_0008, 0xffff_ffff];

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET of <linux/sched.h>. */
const newNamespaces = 0x7e02_0000;
/** SYS_SOCKET of <linux/net.h>. */
const socketcallSocket = 1;

/** Major and minor number of Linux. */
export type KernelVersion = readonly [major: number, minor: number];

/** @param release as uname(2) has it: "6.1.0-25-amd64" */
export function kernelVersion(release: string): KernelVersion {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return [Number(major ?? 0), Number(minor ?? 0)];
}

export function isSince([major, minor]: KernelVersion, [sinceMajor, sinceMinor]: KernelVersion): boolean {
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
}

/**
 * @param capabilities names in the container's bounding set ("CAP_SYS_ADMIN")
 */
export function defaultSeccomp(
  capabilities: readonly string[],
  machine: SeccompArchitecture,
  kernel: KernelVersion,
): Seccomp {
  const held = new Set(capabilities);
  const granted = Object.entries(ofCapability).filter(([capability]) => held.has(capability));
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: architectureNames[machine],
    syscalls: [
      allow(names(always)),
      ...ofKernel.filter(({ since }) => isSince(kernel, since)).map(({ calls }) => allow(names(calls))),
      allow(names(ofArchitecture[machine])),
      ...granted.map(([, calls]) => allow(names(calls))),
      ...(held.has('CAP_SYS_ADMIN') ? [] : withoutAdmin),
      when('socket', { index: 0, op: 'SCMP_CMP_LT', value: familiesBelow }),
      ...families.map((family) => when('socket', { index: 0, op: 'SCMP_CMP_EQ', value: family })),
      ...personalities.map((value) => when('personality', { index: 0, op: 'SCMP_CMP_EQ', value })),
    ],
  };
}

/**
 * clone(2) without new namespaces. clone3(2) passes its flags behind a pointer; ENOSYS makes the C library take
 * clone(2) instead (moby/moby#42681).
 */
const withoutAdmin: readonly SeccompSyscall[] = [
  when('clone', { index: 0, op: 'SCMP_CMP_MASKED_EQ', value: newNamespaces, valueTwo: 0 }),
  { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: enosys },
  when('socketcall', { index: 0, op: 'SCMP_CMP_NE', value: socketcallSocket }),
];

function names(list: string): string[] {
  return list.trim().split(/\s+/);
}

function allow(calls: readonly string[]): SeccompSyscall {
  return { names: calls, action: 'SCMP_ACT_ALLOW' };
}

function when(name: string, argument: SeccompArgument): SeccompSyscall {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: [argument] };
}
