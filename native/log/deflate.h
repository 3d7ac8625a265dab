/* Compression for logs: DEFLATE (RFC 1951) with the fixed codes, in gzip (RFC 1952) or zlib (RFC 1950). No memory but its own. */
#ifndef ONGGI_DEFLATE_H
#define ONGGI_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEFLATE_BLOCK 32768u
/* What a block of that many bytes comes to at worst: nine bits for each, and what the blocks before it left over. */
#define DEFLATE_BOUND(length) ((length) + (length) / 8 + 16)

struct deflate {
    uint64_t bits;
    unsigned count; /* of the bits that are not a byte yet */
    uint32_t crc;
    uint32_t adler;
    uint64_t length; /* of what was compressed */
};

void deflate_begin(struct deflate *state);

/* Compresses at most DEFLATE_BLOCK bytes. `out` has DEFLATE_BOUND bytes of room; returns how many were written. */
size_t deflate_block(struct deflate *state, const uint8_t *bytes, size_t length, bool last, uint8_t *out);

/* A header of ten bytes, and eight bytes of room with an identity of the file if there is one (subfield "OG"). */
size_t gzip_header(uint8_t *out, const uint64_t *identity);
size_t gzip_trailer(const struct deflate *state, uint8_t *out);
size_t zlib_header(uint8_t *out);
size_t zlib_trailer(const struct deflate *state, uint8_t *out);

#endif
