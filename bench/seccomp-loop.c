/*
 * seccomp-loop FILTER getpid|personality|load COUNT: loads the filter in the file and prints the nanoseconds that one
 * call takes, or, for "load", that loading it takes. personality(0xffffffff) is a call whose arguments a filter looks
 * at; the kernel remembers of others which the filter always allows, and does not ask it again (Linux 5.11).
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int count, char **arguments) {
    static struct sock_filter instructions[4096];
    if (count != 4) return 2;
    FILE *file = fopen(arguments[1], "rb");
    if (file == NULL) return perror(arguments[1]), 1;
    struct sock_fprog program = {.filter = instructions};
    program.len = (unsigned short)fread(instructions, sizeof instructions[0], 4096, file);
    fclose(file);
    long rounds = atol(arguments[3]);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    double start = now();
    if (strcmp(arguments[2], "load") == 0) {
        /* Each in a process of its own: filters add up. Without one is what the process itself costs. */
        for (long i = 0; i < rounds; i++) {
            pid_t child = vfork();
            if (child == 0) _exit(program.len == 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : 1);
            int status;
            if (waitpid(child, &status, 0) != child || status != 0) return 1;
        }
    } else {
        if (program.len > 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return perror("seccomp"), 1;
        long number = strcmp(arguments[2], "getpid") == 0 ? SYS_getpid : SYS_personality;
        start = now();
        for (long i = 0; i < rounds; i++) syscall(number, 0xffffffffL);
    }
    printf("%.2f\n", (now() - start) / (double)rounds);
    return 0;
}
