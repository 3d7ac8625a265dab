/*
 * Reads a profile in words on stdin and writes the filter that libseccomp makes of it to stdout, used as runc uses it
 * (libcontainer/seccomp): what libseccomp does not know is left out. For tests and benchmarks.
 *
 *   default ACTION | arch NUMBER | rule ACTION NAME COUNT {INDEX OPERATOR VALUE VALUE}
 *
 * Actions are SECCOMP_RET_*, architectures AUDIT_ARCH_* (SCMP_ARCH_X32 for x32), operators enum scmp_compare.
 */
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int add_rule(scmp_filter_ctx filter, uint32_t action) {
    char name[64];
    unsigned count;
    if (scanf("%63s %u", name, &count) != 2 || count > 6) return 2;
    struct scmp_arg_cmp conditions[6];
    for (unsigned i = 0; i < count; i++) {
        unsigned index, operator;
        unsigned long long a, b;
        if (scanf("%u %u %llu %llu", &index, &operator, &a, &b) != 4) return 2;
        conditions[i] = (struct scmp_arg_cmp){index, (enum scmp_compare)operator, a, b};
    }
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return fprintf(stderr, "unknown %s\n", name), 0;
    int result = seccomp_rule_add_array(filter, action, number, count, conditions);
    if (result == 0) return 0;
    fprintf(stderr, "rule for %s: %s\n", name, strerror(-result));
    return 1;
}

int main(void) {
    char word[16];
    unsigned long number;
    scmp_filter_ctx filter = NULL;
    while (scanf("%15s %lu", word, &number) == 2) {
        int result = 0;
        if (strcmp(word, "default") == 0) filter = seccomp_init((uint32_t)number);
        if (strcmp(word, "arch") == 0 && seccomp_arch_exist(filter, (uint32_t)number) != 0)
            result = seccomp_arch_add(filter, (uint32_t)number);
        if (strcmp(word, "rule") == 0) result = add_rule(filter, (uint32_t)number);
        if (result != 0 || filter == NULL) return fprintf(stderr, "%s %lu: %d\n", word, number, result), 1;
    }
    return seccomp_export_bpf(filter, STDOUT_FILENO) == 0 ? 0 : 1;
}
