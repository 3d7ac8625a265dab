#include "log.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "scoped.h"
#include "syscalls.h"
#include "timestamp.h"

static int open_file(struct log *log) {
    log->fd = (int)SYS(open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640));
    if (log->fd < 0) return log->fd;
    struct stat status;
    int result = (int)SYS(fstat(log->fd, &status));
    if (result == 0 && !S_ISREG(status.st_mode)) result = -EINVAL;
    if (result < 0) {
        drop_fd(&log->fd);
        return result;
    }
    log->size = log->complete = (uint64_t)status.st_size;
    return 0;
}

int log_open(struct log *log, const char *path, uint64_t max, uint32_t files) {
    log->path = path;
    log->max = max;
    log->files = files;
    log->used = 0;
    log->broken = false;
    return open_file(log);
}

static void numbered(const struct log *log, uint32_t number, char path[PATH_MAX]) {
    if (number == 0) snprintf(path, PATH_MAX, "%s", log->path);
    else snprintf(path, PATH_MAX, "%s.%u", log->path, number);
}

/* If a rename fails the entries go on into the old file: too long a log is better than none. */
static void rotate(struct log *log) {
    char from[PATH_MAX], to[PATH_MAX];
    log_flush(log);
    if (log->files <= 1) {
        if (SYS(ftruncate(log->fd, 0)) == 0) log->size = log->complete = 0;
        return;
    }
    for (uint32_t number = log->files - 1; number > 0; number--) {
        numbered(log, number - 1, from);
        numbered(log, number, to);
        SYS(rename(from, to));
    }
    int old = log->fd;
    if (open_file(log) < 0) log->fd = old;
    else close(old);
}

static void write_all(struct log *log) {
    size_t done = 0;
    while (done < log->used && !log->broken) {
        long written = SYS(write(log->fd, log->buffer + done, log->used - done));
        if (written <= 0) log->broken = true;
        else done += (size_t)written;
    }
    log->size += done;
    log->used = 0;
    if (log->broken && SYS(ftruncate(log->fd, (off_t)log->complete)) == 0) log->size = log->complete;
}

void log_flush(struct log *log) {
    if (log->fd < 0 || log->used == 0) return;
    write_all(log);
    if (!log->broken) log->complete = log->size;
}

static void put(struct log *log, const char *bytes, size_t length) {
    if (log->broken) return;
    /* Only an entry longer than the buffer gets here with a full one; it is not complete yet. */
    if (log->used + length > sizeof log->buffer) write_all(log);
    memcpy(log->buffer + log->used, bytes, length);
    log->used += length;
}

static void put_text(struct log *log, const char *text) {
    put(log, text, strlen(text));
}

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

/* Bytes that stand for themselves in a JSON string; runs of them are copied at once. */
static size_t plain_length(const char *text, size_t length) {
    size_t plain = 0;
    while (plain < length) {
        unsigned char byte = (unsigned char)text[plain];
        if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') break;
        plain++;
    }
    return plain;
}

/* One character that is not plain; how many bytes it was. */
static size_t put_escaped(struct log *log, const char *text, size_t length) {
    static const char hex[] = "0123456789abcdef";
    unsigned char byte = (unsigned char)text[0];
    if (byte >= 0x80) {
        size_t sequence = sequence_length(text, length);
        bool separator = sequence == 3 && memcmp(text, "\xe2\x80", 2) == 0 && ((unsigned char)text[2] & 0xfe) == 0xa8;
        if (sequence == 0) put_text(log, "\\ufffd");
        else if (separator) put_text(log, (unsigned char)text[2] == 0xa8 ? "\\u2028" : "\\u2029");
        else put(log, text, sequence);
        return sequence == 0 ? 1 : sequence;
    }
    const char *name = byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : byte == '\t' ? "\\t" : byte == '"' ? "\\\"" : NULL;
    if (byte == '\\') name = "\\\\";
    if (name != NULL) {
        put_text(log, name);
    } else {
        char code[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
        put(log, code, sizeof code);
    }
    return 1;
}

void log_entry(struct log *log, const char *stream, const char *text, size_t length) {
    if (log->fd < 0) return;
    if (log->max > 0 && log->size + log->used >= log->max) rotate(log);
    log->broken = false;
    char time[TIMESTAMP_SIZE];
    timestamp_now(time);
    size_t start = log->used;
    put_text(log, "{\"log\":\"");
    while (length > 0) {
        size_t step = plain_length(text, length);
        if (step > 0) put(log, text, step);
        else step = put_escaped(log, text, length);
        text += step;
        length -= step;
    }
    put_text(log, "\",\"stream\":\"");
    put_text(log, stream);
    put_text(log, "\",\"time\":\"");
    put_text(log, time);
    put_text(log, "\"}\n");
    /* An entry that had to be written in pieces is finished at once, so that `complete` is a boundary again. */
    if (log->used < start || log->used > sizeof log->buffer / 2) log_flush(log);
}
