/*
 * log-fuzz ROUNDS RANDOM: writes entries in the formats of logs, reads them back, whole and damaged, from buffers of
 * exactly their size. Built with the sanitizers, which must have nothing to say; what is not damaged must come back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addon_log_decode.h"
#include "damage.h"
#include "log-format.h"

static size_t below(size_t limit) {
    return (size_t)(next_random() % limit);
}

/* Text that JSON keeps: no invalid UTF-8, which becomes U+FFFD. */
static size_t make_text(char *text, size_t most) {
    static const char *const pieces[] = {"\"", "\\", "\t", "\r", "\x01", "\x1f", "é", "€", "😀", "\xe2\x80\xa8", "\x7f", "a"};
    size_t length = 0, wanted = below(most);
    while (length < wanted) {
        const char *piece = pieces[below(sizeof pieces / sizeof pieces[0])];
        size_t count = below(8) == 0 ? below(40) : 1;
        if (piece[0] != 'a') count = 1;
        if (length + count * strlen(piece) > most) break;
        for (; count > 0; count--) {
            memcpy(text + length, piece, strlen(piece));
            length += strlen(piece);
        }
    }
    return length;
}

static enum log_stop decode(const uint8_t *bytes, size_t length, size_t room, struct log_decoding *decoding) {
    decoding->source = memcpy(malloc(length + (length == 0)), bytes, length);
    decoding->length = length;
    decoding->target = malloc(room + (room == 0));
    decoding->size = room;
    decoding->runs = malloc(4 * sizeof(uint32_t));
    decoding->runs_size = 4;
    return log_decode(decoding);
}

static void release(struct log_decoding *decoding) {
    free((void *)(uintptr_t)decoding->source);
    free(decoding->target);
    free(decoding->runs);
}

static int same(const struct log_decoding *decoding, const char *text, size_t length, bool whole, bool error) {
    if (length + whole == 0) return decoding->runs_used == 0;
    uint32_t run = (uint32_t)(length + whole) | (error ? LOG_RUN_ERROR : 0);
    return decoding->runs_used == 1 && decoding->runs[0] == run && memcmp(decoding->target, text, length) == 0 &&
           (!whole || decoding->target[length] == '\n');
}

static int check_entry(void) {
    static char text[LOG_LINE_MAX], line[LOG_ENTRY_MAX];
    static const char extra[] = ",\"attrs\":{\"a\":\"}\\\"{\",\"tag\":\"x\"}";
    struct log_entry entry = {.error = below(2) == 0, .whole = below(4) != 0, .time = "2026-01-02T03:04:05.123456789Z"};
    entry.text = text;
    entry.length = make_text(text, below(16) == 0 ? sizeof text : 200);
    struct log_config config = {.fields = {(uint8_t *)(uintptr_t)extra, below(2) == 0 ? sizeof extra - 1 : 0}};
    entry.config = &config;
    size_t length = log_format_json(line, &entry);
    struct log_decoding decoding = {.since = "", .until = ""};
    enum log_stop stop = decode((uint8_t *)line, length, entry.length + 3, &decoding);
    int good = stop == LOG_MORE && decoding.used == length && same(&decoding, text, entry.length, entry.whole, entry.error);
    release(&decoding);
    if (!good) return fprintf(stderr, "an entry of %zu bytes does not come back\n", entry.length), 1;
    decoding.times = below(2) == 0;
    decode((uint8_t *)line, below(length), below(entry.length + 40), &decoding);
    release(&decoding);
    for (size_t damages = 1 + below(3); damages > 0; damages--) line[below(length)] = (char)next_random();
    decode((uint8_t *)line, length, entry.length + below(40), &decoding);
    release(&decoding);
    for (size_t i = 0; i < entry.length; i += 1 + below(64)) text[i] = (char)next_random();
    log_format_json(line, &entry);
    return 0;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    random_state = strtoull(arguments[2], NULL, 10) | 1;
    for (long rounds = atol(arguments[1]); rounds > 0; rounds--) {
        if (check_entry() != 0) return 1;
    }
    return 0;
}
