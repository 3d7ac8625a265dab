#include "plan-reader.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plan-check.h"
#include "syscalls.h"

enum { HEADER_BYTES = 16, RECORD_HEADER_BYTES = 8, NO_STRING = -1 };

static const uint8_t *take_bytes(struct cursor *cursor, size_t length) {
    if (cursor->bad || length > cursor->left) {
        cursor->bad = true;
        return NULL;
    }
    const uint8_t *bytes = cursor->at;
    cursor->at += length;
    cursor->left -= length;
    return bytes;
}

/* Assembled from bytes: the fields are little-endian and unaligned. */
static uint64_t take_integer(struct cursor *cursor, size_t length) {
    const uint8_t *bytes = take_bytes(cursor, length);
    if (bytes == NULL) return 0;
    uint64_t value = 0;
    for (size_t i = length; i > 0; i--) value = value << 8 | bytes[i - 1];
    return value;
}

uint32_t take_u16(struct cursor *cursor) {
    return (uint32_t)take_integer(cursor, 2);
}

uint32_t take_u32(struct cursor *cursor) {
    return (uint32_t)take_integer(cursor, 4);
}

uint64_t take_u64(struct cursor *cursor) {
    return take_integer(cursor, 8);
}

bool take_bool(struct cursor *cursor) {
    uint32_t value = take_u32(cursor);
    if (value > 1) cursor->bad = true;
    return value == 1;
}

static const char *take_text(struct cursor *cursor, uint32_t length) {
    /* The NUL is not counted in the length; a NUL inside would cut the string short without a word. */
    if (length >= cursor->left) {
        cursor->bad = true;
        return "";
    }
    const char *text = (const char *)take_bytes(cursor, (size_t)length + 1);
    if (text == NULL || memchr(text, '\0', (size_t)length + 1) != text + length) {
        cursor->bad = true;
        return "";
    }
    return text;
}

const char *take_string(struct cursor *cursor) {
    uint32_t length = take_u32(cursor);
    return cursor->bad ? "" : take_text(cursor, length);
}

const char *take_optional(struct cursor *cursor) {
    uint32_t length = take_u32(cursor);
    if (cursor->bad || length == (uint32_t)NO_STRING) return NULL;
    return take_text(cursor, length);
}

struct blob take_blob(struct cursor *cursor) {
    uint32_t length = take_u32(cursor);
    uint8_t *start = cursor->at;
    if (take_bytes(cursor, length) == NULL) return (struct blob){NULL, 0};
    return (struct blob){start, length};
}

uint32_t take_count(struct cursor *cursor) {
    /* Every element of every list takes at least four bytes. */
    uint32_t count = take_u32(cursor);
    if (count > cursor->left / 4) cursor->bad = true;
    return cursor->bad ? 0 : count;
}

char **take_vector(struct cursor *cursor) {
    uint32_t count = take_count(cursor);
    char **vector = calloc((size_t)count + 2, sizeof *vector);
    if (vector == NULL) return NULL;
    for (uint32_t i = 0; i < count; i++) vector[i] = (char *)take_string(cursor);
    return vector;
}

struct records plan_records(const struct plan *plan) {
    struct cursor rest = {plan->bytes + HEADER_BYTES, plan->length - HEADER_BYTES, false};
    return (struct records){rest, 0, plan->count};
}

bool plan_next(struct records *records, struct record *record) {
    if (records->index >= records->count) return false;
    record->op = (uint16_t)take_u16(&records->rest);
    record->phase = (uint16_t)take_u16(&records->rest);
    uint32_t length = take_u32(&records->rest);
    record->payload = (struct cursor){records->rest.at, length, false};
    record->index = records->index++;
    return take_bytes(&records->rest, length) != NULL;
}

bool plan_find(const struct plan *plan, uint16_t op, struct record *record) {
    struct records records = plan_records(plan);
    while (plan_next(&records, record)) {
        if (record->op == op) return true;
    }
    return false;
}

static int read_exactly(int fd, uint8_t *bytes, size_t length) {
    while (length > 0) {
        long got = SYS(read(fd, bytes, length));
        if (got < 0) return (int)got;
        if (got == 0) return -ENODATA;
        bytes += got;
        length -= (size_t)got;
    }
    return 0;
}

static int read_body(int fd, const uint8_t *header, struct plan *plan, struct failure *failure) {
    memcpy(plan->bytes, header, HEADER_BYTES);
    int result = read_exactly(fd, plan->bytes + HEADER_BYTES, plan->length - HEADER_BYTES);
    if (result < 0) return fail(failure, result, "read the plan: it is shorter than the %zu bytes it claims", plan->length);
    uint8_t extra;
    if (SYS(read(fd, &extra, 1)) != 0) return fail(failure, EBADMSG, "read the plan: bytes after its end");
    return plan_check(plan, failure);
}

int plan_load(int fd, struct plan *plan, struct failure *failure) {
    uint8_t header[HEADER_BYTES];
    int result = read_exactly(fd, header, sizeof header);
    if (result < 0) return fail(failure, result, "read the plan's header");
    if (memcmp(header, PLAN_MAGIC, 4) != 0) return fail(failure, EBADMSG, "read the plan: it does not start with " PLAN_MAGIC);
    struct cursor cursor = {header + 4, HEADER_BYTES - 4, false};
    uint32_t version = take_u32(&cursor);
    if (version != PLAN_VERSION) return fail(failure, EPROTO, "read the plan: version %u, this is %d", version, PLAN_VERSION);
    plan->length = take_u32(&cursor);
    plan->count = take_u32(&cursor);
    if (plan->length < HEADER_BYTES || plan->length > PLAN_MAX_BYTES)
        return fail(failure, EFBIG, "read the plan: a length of %zu bytes", plan->length);
    /* A private copy: nobody who still holds the descriptor can change what has been checked. */
    void *memory = mmap(NULL, plan->length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return fail(failure, errno, "allocate %zu bytes for the plan", plan->length);
    plan->bytes = memory;
    result = read_body(fd, header, plan, failure);
    if (result < 0) plan_free(plan);
    return result;
}

void plan_free(struct plan *plan) {
    if (plan->bytes != NULL) munmap(plan->bytes, plan->length);
    *plan = (struct plan){NULL, 0, 0};
}

/* A filter whose agent has not been told yet; others are big and done with. */
static bool has_agent(const struct record *record) {
    if (record->op != OP_SECCOMP) return false;
    struct cursor payload = record->payload;
    take_u32(&payload);
    take_blob(&payload);
    take_string(&payload);
    return take_optional(&payload) != NULL;
}

static bool is_kept(const struct record *record) {
    return record->phase == PHASE_KEEPER || record->phase == PHASE_CLEANUP || has_agent(record);
}

int plan_keep(const struct plan *plan, struct plan *kept, uint32_t *skipped) {
    struct record record;
    size_t length = HEADER_BYTES;
    struct records records = plan_records(plan);
    while (plan_next(&records, &record)) {
        if (is_kept(&record)) length += RECORD_HEADER_BYTES + record.payload.left;
    }
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return -errno;
    *kept = (struct plan){memory, length, 0};
    uint8_t *end = kept->bytes + HEADER_BYTES;
    records = plan_records(plan);
    while (plan_next(&records, &record)) {
        if (!is_kept(&record)) continue;
        size_t size = RECORD_HEADER_BYTES + record.payload.left;
        memcpy(end, record.payload.at - RECORD_HEADER_BYTES, size);
        end += size;
        kept->count++;
    }
    *skipped = plan->count - kept->count;
    return 0;
}
