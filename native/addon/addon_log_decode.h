/* Docker's json-file format back into what was written: the hot path of `logs`. Pure. */
#ifndef ONGGI_ADDON_LOG_DECODE_H
#define ONGGI_ADDON_LOG_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of "2026-01-02T03:04:05.123456789Z"; such times compare as text. */
#define LOG_TIME 30

enum log_stop {
    LOG_MORE = 0,    /* what is left of the source is not a whole line */
    LOG_FULL = 1,    /* the target or the list of runs has no room for the next line */
    LOG_FOREIGN = 2, /* the next line is not written as we write it: somebody has to read it with more patience */
};

struct log_decoding {
    const uint8_t *source;
    size_t length;
    uint8_t *target; /* must not overlap the source */
    size_t size;
    uint32_t *runs; /* what is in the target: lengths; the highest bit is set for those of stderr */
    size_t runs_size;
    const char *since, *until; /* LOG_TIME bytes, or empty */
    bool times;                /* time and a space before each entry */
    size_t used;               /* out: bytes of the source */
    size_t runs_used;          /* out */
};

#define LOG_RUN_ERROR 0x80000000u

/* Decodes as many lines as there are and as there is room for. */
enum log_stop log_decode(struct log_decoding *decoding);

#endif
