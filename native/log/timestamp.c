#include "timestamp.h"

#include <time.h>

static void put_digits(char *text, int width, uint32_t value) {
    for (int i = width - 1; i >= 0; i--) {
        text[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

/*
 * Days to a date of the proleptic Gregorian calendar, counted in years that begin in March, so that the leap day is
 * the last of the year. gmtime_r(3) would do the same and pull time zones in.
 */
static void put_date(char *text, uint64_t days) {
    uint64_t shifted = days + 719468; /* from 0000-03-01 to 1970-01-01 */
    uint64_t era = shifted / 146097, day_of_era = shifted % 146097;
    uint64_t year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    uint64_t month = (5 * day_of_year + 2) / 153;
    uint64_t day = day_of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    year += era * 400 + (month <= 2);
    put_digits(text, 4, (uint32_t)year);
    put_digits(text + 5, 2, (uint32_t)month);
    put_digits(text + 8, 2, (uint32_t)day);
}

void timestamp_text(uint64_t ns, char text[TIMESTAMP_SIZE]) {
    static const char pattern[TIMESTAMP_SIZE] = "0000-00-00T00:00:00.000000000Z";
    for (unsigned i = 0; i < TIMESTAMP_SIZE; i++) text[i] = pattern[i];
    uint32_t seconds = (uint32_t)(ns / 1000000000u % 86400);
    put_date(text, ns / 1000000000u / 86400);
    put_digits(text + 11, 2, seconds / 3600);
    put_digits(text + 14, 2, seconds / 60 % 60);
    put_digits(text + 17, 2, seconds % 60);
    put_digits(text + 20, 9, (uint32_t)(ns % 1000000000u));
}

uint64_t timestamp_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
