/* What the fuzzers damage their input by: the same damage for the same number, on every machine. */
#ifndef ONGGI_DAMAGE_H
#define ONGGI_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

/* Set once, to anything but 0. */
static uint64_t random_state;

/* xorshift64* */
static inline uint64_t next_random(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

/* Flips bits, copies bytes about, and puts in some that stand at the edge of something: one to four times. */
static inline void damage(uint8_t *bytes, size_t length, const uint8_t *edges, size_t count) {
    for (uint64_t times = next_random() % 4 + 1; times > 0; times--) {
        size_t at = next_random() % length;
        uint64_t kind = next_random() % 3;
        if (kind == 0) bytes[at] ^= (uint8_t)(1u << next_random() % 8);
        if (kind == 1) bytes[at] = edges[next_random() % count];
        if (kind == 2) bytes[at] = bytes[next_random() % length];
    }
}

#endif
