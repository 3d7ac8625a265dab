/* Bytes put one after another; the caller has room for them (LOG_ENTRY_MAX). */
#ifndef ONGGI_LOG_TEXT_H
#define ONGGI_LOG_TEXT_H

#include <stdint.h>
#include <unistd.h>
#include <string.h>

#include "plan-reader.h"

static inline char *put_bytes(char *at, const void *bytes, size_t length) {
    if (length > 0) memcpy(at, bytes, length);
    return at + length;
}

static inline char *put_text(char *at, const char *text) {
    return put_bytes(at, text, strlen(text));
}

static inline char *put_blob(char *at, struct blob blob) {
    return put_bytes(at, blob.bytes, blob.length);
}

static inline char *put_number(char *at, uint64_t number) {
    char digits[20];
    size_t count = 0;
    do digits[sizeof digits - ++count] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return put_bytes(at, digits + sizeof digits - count, count);
}

/* The lowest `size` bytes of a number, the highest of them first. */
static inline char *put_big(char *at, uint64_t number, unsigned size) {
    for (unsigned i = size; i > 0; i--) *at++ = (char)(number >> 8 * (i - 1));
    return at;
}

#endif
