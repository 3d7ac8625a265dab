#pragma GCC optimize("O2")
#include "addon_log_decode.h"

#include <string.h>

typedef unsigned char block __attribute__((vector_size(16)));

struct reader {
    const uint8_t *at, *end;
};

struct writer {
    uint8_t *at, *end;
};

/* How a line goes on: as we write it, not at all yet, or otherwise. */
enum verdict { GOOD, SHORT, FULL, ODD };

static enum verdict expect(struct reader *in, const char *text, size_t length) {
    size_t left = (size_t)(in->end - in->at);
    if (left < length) return memcmp(in->at, text, left) == 0 ? SHORT : ODD;
    if (memcmp(in->at, text, length) != 0) return ODD;
    in->at += length;
    return GOOD;
}

#define EXPECT(in, literal) expect(in, literal, sizeof literal - 1)

/* Copies up to a quote, a backslash, a control character or the end of either side. */
static void copy_plain(struct reader *in, struct writer *out) {
    while (in->end - in->at >= (ptrdiff_t)sizeof(block) && out->end - out->at >= (ptrdiff_t)sizeof(block)) {
        block bytes;
        memcpy(&bytes, in->at, sizeof bytes);
        memcpy(out->at, &bytes, sizeof bytes);
        block special = (block)((bytes < 0x20) | (bytes == '"') | (bytes == '\\'));
        uint64_t halves[2];
        memcpy(halves, &special, sizeof special);
        size_t plain = sizeof(block);
        if (halves[0] != 0) plain = (size_t)__builtin_ctzll(halves[0]) / 8;
        else if (halves[1] != 0) plain = 8 + (size_t)__builtin_ctzll(halves[1]) / 8;
        in->at += plain;
        out->at += plain;
        if (plain < sizeof(block)) return;
    }
    while (in->at < in->end && out->at < out->end && *in->at >= 0x20 && *in->at != '"' && *in->at != '\\')
        *out->at++ = *in->at++;
}

static int hex_digit(uint8_t byte) {
    if (byte >= '0' && byte <= '9') return byte - '0';
    if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* \uXXXX, at the first digit. Pairs of surrogates are not ours: such characters stand as they are in our files. */
static enum verdict copy_code(struct reader *in, struct writer *out) {
    if (in->end - in->at < 4) return SHORT;
    unsigned code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(in->at[i]);
        if (digit < 0) return ODD;
        code = code << 4 | (unsigned)digit;
    }
    if (code >= 0xd800 && code <= 0xdfff) return ODD;
    if (out->end - out->at < 3) return FULL;
    in->at += 4;
    if (code < 0x80) {
        *out->at++ = (uint8_t)code;
    } else if (code < 0x800) {
        *out->at++ = (uint8_t)(0xc0 | code >> 6);
        *out->at++ = (uint8_t)(0x80 | (code & 0x3f));
    } else {
        *out->at++ = (uint8_t)(0xe0 | code >> 12);
        *out->at++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        *out->at++ = (uint8_t)(0x80 | (code & 0x3f));
    }
    return GOOD;
}

/* At the backslash. */
static enum verdict copy_escape(struct reader *in, struct writer *out) {
    if (in->end - in->at < 2) return SHORT;
    static const char names[] = "ntr\"\\/bf", values[] = "\n\t\r\"\\/\b\f";
    uint8_t name = in->at[1];
    if (name == 'u') {
        in->at += 2;
        return copy_code(in, out);
    }
    const char *found = name == '\0' ? NULL : strchr(names, name);
    if (found == NULL) return ODD;
    if (out->at == out->end) return FULL;
    *out->at++ = (uint8_t)values[found - names];
    in->at += 2;
    return GOOD;
}

/* The rest of a string, with the quote that ends it. */
static enum verdict copy_string(struct reader *in, struct writer *out) {
    for (;;) {
        copy_plain(in, out);
        if (in->at == in->end) return SHORT;
        if (*in->at == '"') {
            in->at++;
            return GOOD;
        }
        if (*in->at < 0x20) return ODD;
        if (*in->at != '\\') return FULL;
        enum verdict verdict = copy_escape(in, out);
        if (verdict != GOOD) return verdict;
    }
}

/* "attrs":{...}, an object of strings whose values have no braces outside of quotes. At what follows the brace. */
static enum verdict skip_attributes(struct reader *in) {
    bool quoted = false;
    for (; in->at < in->end; in->at++) {
        if (*in->at < 0x20) return ODD;
        if (*in->at == '"') quoted = !quoted;
        else if (quoted && *in->at == '\\') {
            if (in->end - in->at < 2) return SHORT;
            if (*++in->at < 0x20) return ODD;
        } else if (!quoted && *in->at == '{') return ODD;
        else if (!quoted && *in->at == '}') {
            in->at++;
            return GOOD;
        }
    }
    return SHORT;
}

/* From the stream's name to the time, which is left. */
static enum verdict read_stream(struct reader *in, bool *error) {
    enum verdict verdict = EXPECT(in, ",\"stream\":\"std");
    if (verdict != GOOD) return verdict;
    *error = in->at < in->end && *in->at == 'e';
    verdict = *error ? EXPECT(in, "err\"") : EXPECT(in, "out\"");
    if (verdict != GOOD) return verdict;
    struct reader ahead = *in;
    verdict = EXPECT(&ahead, ",\"attrs\":{");
    if (verdict == SHORT) return SHORT;
    if (verdict == GOOD) {
        *in = ahead;
        verdict = skip_attributes(in);
        if (verdict != GOOD) return verdict;
    }
    return EXPECT(in, ",\"time\":\"");
}

static enum verdict read_time(struct reader *in, const uint8_t **time) {
    static const char pattern[LOG_TIME + 1] = "0000-00-00T00:00:00.000000000Z";
    for (int i = 0; i < LOG_TIME; i++) {
        if (in->at + i == in->end) return SHORT;
        uint8_t byte = in->at[i];
        if (pattern[i] == '0' ? byte < '0' || byte > '9' : byte != (uint8_t)pattern[i]) return ODD;
    }
    *time = in->at;
    in->at += LOG_TIME;
    return EXPECT(in, "\"}\n");
}

static bool wanted(const struct log_decoding *decoding, const uint8_t *time) {
    if (decoding->since[0] != '\0' && memcmp(time, decoding->since, LOG_TIME) < 0) return false;
    return decoding->until[0] == '\0' || memcmp(time, decoding->until, LOG_TIME) <= 0;
}

static enum verdict decode_line(const struct log_decoding *decoding, struct reader *in, struct writer *out, bool *error) {
    enum verdict verdict = EXPECT(in, "{\"log\":\"");
    if (verdict != GOOD) return verdict;
    uint8_t *start = out->at;
    if (decoding->times) {
        if (out->end - out->at < LOG_TIME + 1) return FULL;
        out->at += LOG_TIME + 1;
    }
    verdict = copy_string(in, out);
    const uint8_t *time = NULL;
    if (verdict == GOOD) verdict = read_stream(in, error);
    if (verdict == GOOD) verdict = read_time(in, &time);
    if (verdict != GOOD) return verdict;
    if (!wanted(decoding, time)) {
        out->at = start;
    } else if (decoding->times) {
        memcpy(start, time, LOG_TIME);
        start[LOG_TIME] = ' ';
    }
    return GOOD;
}

/* False when the list has no room. */
static bool note(struct log_decoding *decoding, bool error, size_t length) {
    uint32_t mark = error ? LOG_RUN_ERROR : 0;
    uint32_t *last = decoding->runs_used > 0 ? &decoding->runs[decoding->runs_used - 1] : NULL;
    if (last != NULL && (*last & LOG_RUN_ERROR) == mark) {
        *last += (uint32_t)length;
        return true;
    }
    if (decoding->runs_used == decoding->runs_size) return false;
    decoding->runs[decoding->runs_used++] = mark | (uint32_t)length;
    return true;
}

enum log_stop log_decode(struct log_decoding *decoding) {
    struct reader in = {decoding->source, decoding->source + decoding->length};
    struct writer out = {decoding->target, decoding->target + decoding->size};
    decoding->used = decoding->runs_used = 0;
    while (in.at < in.end) {
        struct reader ahead = in;
        uint8_t *start = out.at;
        bool error = false;
        enum verdict verdict = decode_line(decoding, &ahead, &out, &error);
        if (verdict == SHORT) return LOG_MORE;
        if (verdict == ODD) return LOG_FOREIGN;
        if (verdict == FULL) return LOG_FULL;
        size_t length = (size_t)(out.at - start);
        if (length > 0 && !note(decoding, error, length)) return LOG_FULL;
        in = ahead;
        decoding->used = (size_t)(in.at - decoding->source);
    }
    return LOG_MORE;
}
