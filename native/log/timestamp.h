/* Wall-clock time as text and as numbers. */
#ifndef ONGGI_TIMESTAMP_H
#define ONGGI_TIMESTAMP_H

#include <stdint.h>

#define TIMESTAMP_SIZE sizeof "2026-01-02T03:04:05.123456789Z"

/* Nanoseconds since the epoch as RFC 3339 in UTC, with nine digits of fraction. */
void timestamp_text(uint64_t ns, char text[TIMESTAMP_SIZE]);

/* Nanoseconds since the epoch. */
uint64_t timestamp_ns(void);

/* Milliseconds of a clock that only goes forward, for deadlines. */
int64_t monotonic_ms(void);

#endif
