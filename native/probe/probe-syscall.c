/* System calls by number, to see what a seccomp filter says to them. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

enum { ARGUMENTS = 5 };

static long call_native(const long *values) {
    long result = values[0];
#if defined(__x86_64__)
    register long fourth __asm__("r10") = values[4];
    register long fifth __asm__("r8") = values[5];
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(values[1]), "S"(values[2]), "d"(values[3]), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long number __asm__("x8") = values[0];
    register long first __asm__("x0") = values[1];
    register long second __asm__("x1") = values[2];
    register long third __asm__("x2") = values[3];
    register long fourth __asm__("x3") = values[4];
    register long fifth __asm__("x4") = values[5];
    __asm__ volatile("svc 0"
                     : "+r"(first)
                     : "r"(number), "r"(second), "r"(third), "r"(fourth), "r"(fifth)
                     : "memory");
    result = first;
#else
#error "no system calls known for this architecture"
#endif
    return result;
}

#if defined(__x86_64__)
/* The entry of 32-bit programs, which 64-bit ones may use too; the kernel counts it as the architecture i386. */
static long call_i386(const long *values) {
    long result = values[0];
    __asm__ volatile("int $0x80"
                     : "+a"(result)
                     : "b"(values[1]), "c"(values[2]), "d"(values[3]), "S"(values[4]), "D"(values[5])
                     : "r8", "r9", "r10", "r11", "memory");
    return result;
}
#endif

/* Makes the call that `word` (ABI:NUMBER[:ARGUMENT...]) names; false when it names none. */
static bool make_call(const char *word, long *result) {
    long values[1 + ARGUMENTS] = {0};
    const char *at = strchr(word, ':');
    for (int i = 0; i <= ARGUMENTS && at != NULL; i++) {
        values[i] = (long)strtoull(at + 1, NULL, 0);
        at = strchr(at + 1, ':');
    }
    if (strncmp(word, "native:", strlen("native:")) == 0) *result = call_native(values);
#if defined(__x86_64__)
    else if (strncmp(word, "i386:", strlen("i386:")) == 0) *result = (int)call_i386(values);
#endif
    else return false;
    return true;
}

/* syscall ABI:NUMBER[:ARGUMENT...]...: makes each call; prints its words and the negative error number or result. */
int probe_syscalls(char **arguments) {
    for (; *arguments != NULL; arguments++) {
        long result;
        if (!make_call(*arguments, &result)) return 2;
        printf("%s %ld\n", *arguments, result);
        fflush(stdout);
    }
    return 0;
}

/* The calls among `words` as an object; other words are left alone. */
void probe_calls(char **words) {
    probe_key("calls");
    putchar('{');
    for (int first = 1; *words != NULL; words++) {
        long result;
        if (!make_call(*words, &result)) continue;
        if (!first) putchar(',');
        first = 0;
        probe_string(*words);
        printf(":%ld", result);
    }
    putchar('}');
}
