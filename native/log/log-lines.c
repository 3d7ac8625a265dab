/* Formats of files: k8s-file and local. */
#include "log-format.h"
#include "log-text.h"
#include "timestamp.h"

size_t log_format_k8s(char *out, const struct log_entry *entry) {
    char *at = put_bytes(out, entry->time, TIMESTAMP_SIZE - 2); /* without the Z */
    at = put_text(at, entry->error ? "+00:00 stderr " : "+00:00 stdout ");
    at = put_text(at, entry->whole ? "F " : "P ");
    at = put_bytes(at, entry->text, entry->length);
    *at++ = '\n';
    return (size_t)(at - out);
}

static char *put_varint(char *at, uint64_t number) {
    for (; number >= 0x80; number >>= 7) *at++ = (char)(0x80 | (number & 0x7f));
    *at++ = (char)number;
    return at;
}

enum { SOURCE = 1 << 3 | 2, TIME_NANO = 2 << 3, LINE = 3 << 3 | 2, PARTIAL = 4 << 3 };

/* message LogEntry { string source = 1; int64 time_nano = 2; bytes line = 3; bool partial = 4; ... } */
size_t log_format_local(char *out, const struct log_entry *entry) {
    char *start = out + 4, *at = start;
    *at++ = SOURCE;
    at = put_varint(at, 6);
    at = put_text(at, entry->error ? "stderr" : "stdout");
    *at++ = TIME_NANO;
    at = put_varint(at, entry->ns);
    *at++ = LINE;
    at = put_varint(at, entry->length);
    at = put_bytes(at, entry->text, entry->length);
    if (!entry->whole) {
        *at++ = PARTIAL;
        *at++ = 1;
    }
    size_t length = (size_t)(at - start);
    put_big(out, length, 4);
    return (size_t)(put_big(at, length, 4) - out);
}
