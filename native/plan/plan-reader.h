/*
 * Reads plans (plan.h). `plan_load` checks the whole plan before anything acts on it: every length, count and string
 * against the bytes that are left, every op against its phase, every payload used up to its last byte. The take_
 * functions check again all the same, so that a mistake in an executor can't read past its record.
 */
#ifndef ONGGI_PLAN_READER_H
#define ONGGI_PLAN_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "plan.h"

/* A read position. After the first violation `bad` stays set and every take_ gives 0, "" or NULL. */
struct cursor {
    uint8_t *at;
    size_t left;
    bool bad;
};

struct blob {
    uint8_t *bytes;
    uint32_t length;
};

uint32_t take_u16(struct cursor *cursor);
uint32_t take_u32(struct cursor *cursor);
uint64_t take_u64(struct cursor *cursor);
/* A u32 that must be 0 or 1. */
bool take_bool(struct cursor *cursor);
/* A string that stays valid as long as the plan. */
const char *take_string(struct cursor *cursor);
/* NULL for "none". */
const char *take_optional(struct cursor *cursor);
struct blob take_blob(struct cursor *cursor);
/* The strings of a list as a NULL-terminated array with room for one more, to be freed; NULL without memory. */
char **take_vector(struct cursor *cursor);
/* Number of elements that follow; never more than the bytes that are left could hold. */
uint32_t take_count(struct cursor *cursor);

struct plan {
    uint8_t *bytes; /* private anonymous memory */
    size_t length;
    uint32_t count;
};

struct record {
    uint16_t op;
    uint16_t phase;
    uint32_t index; /* 0 is OP_SHIM */
    struct cursor payload;
};

/*
 * Reads a plan from a descriptor into private memory and checks it.
 * On failure -errno, and `failure` says at which record and why; nothing is left allocated.
 */
int plan_load(int fd, struct plan *plan, struct failure *failure);
void plan_free(struct plan *plan);

/*
 * A new plan of the records that the shim needs after the init has started: OP_SHIM, OP_CLONE or OP_JOIN, the seccomp
 * filter if an agent is to be told of it, and the cleanup steps. `skipped` is how many were left out before the cleanup steps. 0 or -errno.
 */
int plan_keep(const struct plan *plan, struct plan *kept, uint32_t *skipped);

/* Iteration over the records in order: set `rest` by plan_records, then call plan_next until it says false. */
struct records {
    struct cursor rest;
    uint32_t index;
    uint32_t count;
};

struct records plan_records(const struct plan *plan);
bool plan_next(struct records *records, struct record *record);
/* The first record of that op, if there is one. */
bool plan_find(const struct plan *plan, uint16_t op, struct record *record);

#endif
