/*
 * plan-fuzz SEED ROUNDS [RANDOM]: damages a valid plan in every simple way and reads it. Built with the sanitizers;
 * the test is that they have nothing to say. Fails when the seed is refused or a shorter plan is not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "damage.h"
#include "options.h"
#include "plan-reader.h"

/* What an executor may do with a plan that was accepted: walk it, read its options, keep a part of it. */
static void use(const struct plan *plan) {
    struct options options;
    struct plan kept;
    uint32_t skipped;
    options_read(plan, &options);
    if (plan_keep(plan, &kept, &skipped) == 0) {
        options_read(&kept, &options);
        plan_free(&kept);
    }
}

static int accepts(int fd, const uint8_t *bytes, size_t length) {
    struct failure failure = {0};
    struct plan plan = {0};
    if (ftruncate(fd, 0) != 0 || pwrite(fd, bytes, length, 0) != (ssize_t)length || lseek(fd, 0, SEEK_SET) != 0) exit(2);
    if (plan_load(fd, &plan, &failure) < 0) return 0;
    use(&plan);
    plan_free(&plan);
    return 1;
}

/* The header's length follows, so that it is not this that a shorter plan is refused for. */
static void set_length(uint8_t *bytes, size_t length) {
    for (int i = 0; i < 4; i++) bytes[8 + i] = (uint8_t)(length >> 8 * i);
}

static int truncations(int fd, const uint8_t *seed, uint8_t *copy, size_t length) {
    for (size_t cut = 0; cut < length; cut++) {
        memcpy(copy, seed, length);
        if (accepts(fd, copy, cut)) return fprintf(stderr, "a plan cut to %zu bytes is accepted\n", cut), 1;
        set_length(copy, cut);
        if (cut >= 16 && accepts(fd, copy, cut)) return fprintf(stderr, "a plan of %zu bytes is accepted\n", cut), 1;
    }
    return 0;
}

static const uint8_t edges[] = {0x00, 0xff, 0x7f, 0x80, 0x01};

int main(int count, char **arguments) {
    static uint8_t seed[1 << 20], copy[1 << 20];
    if (count < 3) return 2;
    FILE *file = fopen(arguments[1], "rb");
    size_t length = file == NULL ? 0 : fread(seed, 1, sizeof seed, file);
    if (file != NULL) fclose(file);
    int fd = memfd_create("plan", MFD_CLOEXEC);
    if (fd < 0 || length == 0) return 2;
    random_state = count > 3 ? strtoull(arguments[3], NULL, 10) | 1 : 88172645463325252u;
    if (!accepts(fd, seed, length)) return fprintf(stderr, "the seed is refused\n"), 1;
    if (truncations(fd, seed, copy, length) != 0) return 1;
    long accepted = 0, rounds = strtol(arguments[2], NULL, 10);
    for (long round = 0; round < rounds; round++) {
        memcpy(copy, seed, length);
        damage(copy, length, edges, sizeof edges);
        accepted += accepts(fd, copy, length);
    }
    printf("%zu truncations, %ld damaged plans, %ld of them still valid\n", length, rounds, accepted);
    return 0;
}
