/* The hot path of a container that writes a lot: escaping, sixteen bytes at a time. */
#pragma GCC optimize("O2")
#include <string.h>

#include "log-format.h"
#include "timestamp.h"

typedef unsigned char block __attribute__((vector_size(16)));

static bool continues(const char *text, size_t length, size_t at) {
    return at < length && ((unsigned char)text[at] & 0xc0) == 0x80;
}

/* Length of the well-formed UTF-8 sequence at the start (RFC 3629, section 4), 0 if there is none. */
static size_t sequence_length(const char *text, size_t length) {
    unsigned char first = (unsigned char)text[0], second = length > 1 ? (unsigned char)text[1] : 0;
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return continues(text, length, 1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        bool overlong = first == 0xe0 && second < 0xa0, surrogate = first == 0xed && second > 0x9f;
        return !overlong && !surrogate && continues(text, length, 1) && continues(text, length, 2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        bool overlong = first == 0xf0 && second < 0x90, beyond = first == 0xf4 && second > 0x8f;
        bool whole = continues(text, length, 1) && continues(text, length, 2) && continues(text, length, 3);
        return !overlong && !beyond && whole ? 4 : 0;
    }
    return 0;
}

size_t log_boundary(const char *text, size_t length) {
    size_t back = 0;
    while (back < 3 && back < length && ((unsigned char)text[length - 1 - back] & 0xc0) == 0x80) back++;
    if (back == length) return length;
    unsigned char first = (unsigned char)text[length - 1 - back];
    size_t needed = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
    size_t cut = length - 1 - back;
    return needed > back + 1 && cut > 0 ? cut : length;
}

static bool is_plain(unsigned char byte) {
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Copies bytes that stand for themselves in a JSON string, up to the first that doesn't; how many they are. */
static size_t copy_plain(char *out, const char *text, size_t length) {
    size_t at = 0;
    for (; at + sizeof(block) <= length; at += sizeof(block)) {
        block bytes;
        memcpy(&bytes, text + at, sizeof bytes);
        memcpy(out + at, &bytes, sizeof bytes);
        block special = (block)((bytes < 0x20) | (bytes >= 0x80) | (bytes == '"') | (bytes == '\\'));
        uint64_t halves[2];
        memcpy(halves, &special, sizeof special);
        /* The first byte is the lowest: every machine that runs this is little-endian. */
        if (halves[0] != 0) return at + (size_t)__builtin_ctzll(halves[0]) / 8;
        if (halves[1] != 0) return at + 8 + (size_t)__builtin_ctzll(halves[1]) / 8;
    }
    for (; at < length && is_plain((unsigned char)text[at]); at++) out[at] = text[at];
    return at;
}

static size_t put(char *out, const char *bytes, size_t length) {
    if (length > 0) memcpy(out, bytes, length);
    return length;
}

/* A byte below 0x80 that is not plain. */
static size_t put_control(char *out, unsigned char byte) {
    static const char hex[] = "0123456789abcdef";
    const char *name = byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : byte == '\t' ? "\\t" : byte == '"' ? "\\\"" : NULL;
    if (byte == '\\') name = "\\\\";
    if (name != NULL) return put(out, name, 2);
    const char code[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    return put(out, code, sizeof code);
}

/* One character that is not plain: `taken` says how many bytes it was. */
static size_t put_special(char *out, const char *text, size_t length, size_t *taken) {
    size_t sequence = *taken = sequence_length(text, length);
    if ((unsigned char)text[0] < 0x80) return put_control(out, (unsigned char)text[0]);
    if (sequence == 0) {
        *taken = 1;
        return put(out, "\\ufffd", 6);
    }
    bool separator = sequence == 3 && memcmp(text, "\xe2\x80", 2) == 0 && ((unsigned char)text[2] & 0xfe) == 0xa8;
    if (separator) return put(out, (unsigned char)text[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
    return put(out, text, sequence);
}

size_t log_escape(char *out, const char *text, size_t length) {
    char *end = out;
    while (length > 0) {
        size_t taken = copy_plain(end, text, length);
        end += taken;
        if (taken == 0) end += put_special(end, text, length, &taken);
        text += taken;
        length -= taken;
    }
    return (size_t)(end - out);
}

#define PUT(out, literal) put(out, literal, sizeof literal - 1)

size_t log_format_json(char *out, const struct log_entry *entry) {
    char *end = out + PUT(out, "{\"log\":\"");
    end += log_escape(end, entry->text, entry->length);
    if (entry->whole) end += PUT(end, "\\n");
    end += entry->error ? PUT(end, "\",\"stream\":\"stderr\"") : PUT(end, "\",\"stream\":\"stdout\"");
    end += put(end, (const char *)entry->config->fields.bytes, entry->config->fields.length);
    end += PUT(end, ",\"time\":\"");
    end += put(end, entry->time, TIMESTAMP_SIZE - 1);
    end += PUT(end, "\"}\n");
    return (size_t)(end - out);
}
