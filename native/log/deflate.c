#pragma GCC optimize("O2")
#include "deflate.h"

#include <string.h>

enum { HASH_BITS = 12, MATCH_MIN = 3, MATCH_MAX = 258, END_OF_BLOCK = 256 };

static uint32_t crc_byte(uint32_t crc, uint8_t byte) {
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
    return crc;
}

static void checksum(struct deflate *state, const uint8_t *bytes, size_t length) {
    static uint32_t table[256];
    if (table[1] == 0) {
        for (unsigned i = 0; i < 256; i++) table[i] = crc_byte(0, (uint8_t)i);
    }
    uint32_t crc = ~state->crc, low = state->adler & 0xffff, high = state->adler >> 16;
    for (size_t i = 0; i < length; i++) {
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
        low = (low + bytes[i]) % 65521;
        high = (high + low) % 65521;
    }
    state->crc = ~crc;
    state->adler = high << 16 | low;
    state->length += length;
}

void deflate_begin(struct deflate *state) {
    *state = (struct deflate){.adler = 1};
}

static uint8_t *put_bits(struct deflate *state, uint8_t *out, uint32_t value, unsigned count) {
    state->bits |= (uint64_t)value << state->count;
    for (state->count += count; state->count >= 8; state->count -= 8) {
        *out++ = (uint8_t)state->bits;
        state->bits >>= 8;
    }
    return out;
}

/* Codes stand with their first bit lowest, everything else with its lowest (RFC 1951, section 3.1.1). */
static uint8_t *put_code(struct deflate *state, uint8_t *out, uint32_t code, unsigned count) {
    uint32_t reversed = 0;
    for (unsigned i = 0; i < count; i++) reversed |= (code >> i & 1) << (count - 1 - i);
    return put_bits(state, out, reversed, count);
}

/* Section 3.2.6. */
static uint8_t *put_symbol(struct deflate *state, uint8_t *out, unsigned symbol) {
    if (symbol < 144) return put_code(state, out, 0x30 + symbol, 8);
    if (symbol < 256) return put_code(state, out, 0x190 + symbol - 144, 9);
    if (symbol < 280) return put_code(state, out, symbol - 256, 7);
    return put_code(state, out, 0xc0 + symbol - 280, 8);
}

/* Section 3.2.5: groups of codes whose extra bits grow by one from group to group. */
static uint8_t *put_length(struct deflate *state, uint8_t *out, unsigned length) {
    unsigned value = length - MATCH_MIN, extra = 0;
    if (length == MATCH_MAX) return put_symbol(state, out, 285);
    while (value >> extra >= 8) extra++;
    out = put_symbol(state, out, 257 + 4 * extra + (value >> extra));
    return put_bits(state, out, value & ((1u << extra) - 1), extra);
}

static uint8_t *put_distance(struct deflate *state, uint8_t *out, unsigned distance) {
    unsigned value = distance - 1, extra = 0;
    while (value >> extra >= 4) extra++;
    out = put_code(state, out, 2 * extra + (value >> extra), 5);
    return put_bits(state, out, value & ((1u << extra) - 1), extra);
}

static unsigned hash(const uint8_t *bytes) {
    uint32_t three = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
    return three * 2654435761u >> (32 - HASH_BITS);
}

static size_t match_length(const uint8_t *one, const uint8_t *other, size_t most) {
    size_t length = 0;
    while (length < most && one[length] == other[length]) length++;
    return length;
}

size_t deflate_block(struct deflate *state, const uint8_t *bytes, size_t length, bool last, uint8_t *out) {
    static uint16_t seen[1 << HASH_BITS]; /* place of the latest three bytes with this hash, plus one */
    uint8_t *start = out;
    checksum(state, bytes, length);
    memset(seen, 0, sizeof seen);
    out = put_bits(state, out, last ? 3 : 2, 3);
    for (size_t at = 0; at < length;) {
        size_t found = 0, before = 0, left = length - at;
        if (left >= MATCH_MIN) {
            uint16_t *place = &seen[hash(bytes + at)];
            before = *place;
            *place = (uint16_t)(at + 1);
            if (before > 0) found = match_length(bytes + before - 1, bytes + at, left < MATCH_MAX ? left : MATCH_MAX);
        }
        if (found < MATCH_MIN) {
            out = put_symbol(state, out, bytes[at++]);
            continue;
        }
        out = put_length(state, out, (unsigned)found);
        out = put_distance(state, out, (unsigned)(at + 1 - before));
        at += found;
    }
    out = put_symbol(state, out, END_OF_BLOCK);
    if (last && state->count > 0) out = put_bits(state, out, 0, 8 - state->count);
    return (size_t)(out - start);
}

static size_t put_little(uint8_t *out, uint64_t number, size_t size) {
    for (size_t i = 0; i < size; i++) out[i] = (uint8_t)(number >> 8 * i);
    return size;
}

size_t gzip_header(uint8_t *out, const uint64_t *identity) {
    const uint8_t header[10] = {0x1f, 0x8b, 8, identity == NULL ? 0 : 4, 0, 0, 0, 0, 0, 255};
    memcpy(out, header, sizeof header);
    if (identity == NULL) return sizeof header;
    size_t length = sizeof header + put_little(out + sizeof header, 12, 2);
    out[length++] = 'O';
    out[length++] = 'G';
    length += put_little(out + length, 8, 2);
    return length + put_little(out + length, *identity, 8);
}

size_t gzip_trailer(const struct deflate *state, uint8_t *out) {
    put_little(out, state->crc, 4);
    return 4 + put_little(out + 4, state->length & 0xffffffffu, 4);
}

size_t zlib_header(uint8_t *out) {
    return put_little(out, 0x0178, 2);
}

size_t zlib_trailer(const struct deflate *state, uint8_t *out) {
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(state->adler >> (24 - 8 * i));
    return 4;
}
