#include "unpack.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "confine.h"
#include "syscalls.h"

/* A record holds two paths and the attributes of one entry: a pax header and the global ones, a mebibyte each. */
enum { RECORD_MAX = 4 << 20, BUFFER = 1 << 17, ANSWER_PIECE = 1 << 15 };

/* What has come and was not used yet. */
struct stream {
    int fd;
    size_t at, end;
    uint8_t bytes[BUFFER];
    uint8_t *record; /* of the last record but for DATA */
    size_t room;
};

int unpack_refuse(struct unpack *unpack, enum verdict verdict, const char *format, ...) {
    va_list arguments;
    char text[FAILURE_TEXT];
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    unpack->verdict = verdict;
    return fail(&unpack->failure, EBADMSG, "%s", text);
}

/* Bytes that are there now, 0 at the end, or -errno. */
static long fill(struct stream *stream) {
    if (stream->at < stream->end) return (long)(stream->end - stream->at);
    long length = SYS(read(stream->fd, stream->bytes, sizeof stream->bytes));
    stream->at = 0;
    stream->end = length > 0 ? (size_t)length : 0;
    return length;
}

static int take_whole(struct stream *stream, uint8_t *target, size_t length) {
    while (length > 0) {
        long there = fill(stream);
        if (there <= 0) return there == 0 ? -EPIPE : (int)there;
        size_t piece = (size_t)there < length ? (size_t)there : length;
        memcpy(target, stream->bytes + stream->at, piece);
        stream->at += piece;
        target += piece;
        length -= piece;
    }
    return 0;
}

static int write_whole(int fd, const uint8_t *bytes, size_t length) {
    while (length > 0) {
        long written = SYS(write(fd, bytes, length));
        if (written < 0) return (int)written;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

/* Straight from the buffer into the file. Without a file it is dropped. */
static int take_content(struct unpack *unpack, struct stream *stream, size_t length) {
    while (length > 0) {
        long there = fill(stream);
        if (there <= 0) return there == 0 ? -EPIPE : (int)there;
        size_t piece = (size_t)there < length ? (size_t)there : length;
        int result = unpack->file < 0 ? 0 : write_whole(unpack->file, stream->bytes + stream->at, piece);
        if (result < 0) return fail(&unpack->failure, result, "write to a file");
        stream->at += piece;
        length -= piece;
    }
    return 0;
}

static bool is_path(const char *path) {
    if (path[0] == '\0') return true;
    for (;;) {
        size_t length = strcspn(path, "/");
        if (length == 0 || (path[0] == '.' && (length == 1 || (length == 2 && path[1] == '.')))) return false;
        if (path[length] == '\0') return true;
        path += length + 1;
    }
}

static bool copy_text(char copy[PATH_MAX + 1], const char *text) {
    size_t length = strlen(text);
    if (length > PATH_MAX) return false;
    memcpy(copy, text, length + 1);
    return true;
}

static int take_name(struct unpack *unpack, struct cursor *fields, bool path) {
    const char *name = take_string(fields);
    const char *where = path ? take_string(fields) : "";
    if (fields->bad || !is_path(where) || !copy_text(unpack->name, name[0] == '\0' ? where : name) ||
        !copy_text(unpack->path, where)) {
        return fail(&unpack->failure, EBADMSG, "read the name of an entry");
    }
    return unpack_count(unpack);
}

static int take_entry(struct unpack *unpack, struct cursor *fields) {
    struct entry *entry = &unpack->entry;
    int result = take_name(unpack, fields, true);
    if (result < 0) return result;
    entry->kind = take_u32(fields);
    entry->mode = take_u32(fields) & 07777;
    entry->uid = take_u32(fields);
    entry->gid = take_u32(fields);
    entry->modified.tv_sec = (time_t)take_u64(fields);
    entry->modified.tv_nsec = take_u32(fields);
    entry->size = take_u64(fields);
    unsigned major = take_u32(fields), minor = take_u32(fields);
    entry->device = makedev(major, minor);
    entry->link = take_string(fields);
    entry->attributes = take_count(fields);
    entry->rest = *fields;
    if (fields->bad || entry->kind >= KINDS || unpack->file >= 0 || (entry->kind == HARDLINK && !is_path(entry->link)) ||
        entry->modified.tv_nsec > 999999999 || strlen(entry->link) > PATH_MAX) {
        return fail(&unpack->failure, EBADMSG, "read an entry");
    }
    return unpack_entry(unpack);
}

static int take_hidden(struct unpack *unpack, struct cursor *fields, int (*hide)(struct unpack *)) {
    int result = take_name(unpack, fields, true);
    if (result == 0 && unpack->path[0] == '\0') return fail(&unpack->failure, EBADMSG, "read a whiteout");
    return result < 0 ? result : hide(unpack);
}

static int take_hole(struct unpack *unpack, struct cursor *fields) {
    uint64_t length = take_u64(fields);
    if (fields->bad || length > INT64_MAX || unpack->file < 0) return fail(&unpack->failure, EBADMSG, "read a hole");
    unpack->holes = true;
    long result = SYS(lseek(unpack->file, (off_t)length, SEEK_CUR));
    return result < 0 ? fail(&unpack->failure, (int)result, "leave a hole in a file") : 0;
}

static int act(struct unpack *unpack, uint32_t type, struct cursor *fields) {
    switch (type) {
    case ENTRY: return take_entry(unpack, fields);
    case HOLE: return take_hole(unpack, fields);
    case END: return unpack_file_end(unpack);
    case WHITEOUT: return take_hidden(unpack, fields, unpack_whiteout);
    case OPAQUE: return take_hidden(unpack, fields, unpack_opaque);
    case NOTHING: return take_name(unpack, fields, false);
    default: return fail(&unpack->failure, EBADMSG, "read a record of type %u", type);
    }
}

/* A record whole but for DATA, of which only the type is taken. */
static int take_record(struct stream *stream, uint32_t *type, uint32_t *length, struct cursor *fields) {
    uint8_t head[8];
    int result = take_whole(stream, head, sizeof head);
    if (result < 0) return result;
    struct cursor words = {.at = head, .left = sizeof head};
    *length = take_u32(&words);
    *type = take_u32(&words);
    *fields = (struct cursor){0};
    if (*length < 4) return -EBADMSG;
    *length -= 4;
    if (*type == DATA) return 0;
    if (*length > RECORD_MAX) return -EBADMSG;
    if (*length > stream->room) {
        free(stream->record);
        stream->room = *length < 8192 ? 8192 : *length;
        stream->record = malloc(stream->room);
        if (stream->record == NULL) return stream->room = 0, -ENOMEM;
    }
    result = take_whole(stream, stream->record, *length);
    *fields = (struct cursor){.at = stream->record, .left = *length};
    return result;
}

static int take_records(struct unpack *unpack, struct stream *stream) {
    uint32_t type, length;
    struct cursor fields;
    int result;
    do {
        result = take_record(stream, &type, &length, &fields);
        if (result == 0 && type == FINISH) return unpack_set_times(unpack);
        if (result == 0) result = type == DATA ? take_content(unpack, stream, length) : act(unpack, type, &fields);
    } while (result == 0);
    if (result == -EPIPE && unpack->failure.error == 0) unpack->verdict = CUT_OFF;
    return fail(&unpack->failure, result, "read a record");
}

/* In pieces: the other side may be a socket of packets. */
static void put_all(int fd, const uint8_t *bytes, size_t length) {
    for (size_t done = 0; done < length; done += ANSWER_PIECE) {
        size_t left = length - done;
        if (write_whole(fd, bytes + done, left < ANSWER_PIECE ? left : ANSWER_PIECE) < 0) return;
    }
}

static void put_u32(FILE *answer, uint32_t value) {
    for (int i = 0; i < 4; i++) fputc((int)(value >> 8 * i & 0xff), answer);
}

static void put_text(FILE *answer, const char *text) {
    put_u32(answer, (uint32_t)strlen(text));
    fputs(text, answer);
}

static int answer(struct unpack *unpack, int fd, int result) {
    char *bytes = NULL;
    size_t length = 0;
    FILE *answer = open_memstream(&bytes, &length);
    if (answer == NULL) return 1;
    put_u32(answer, result == 0 ? DONE : unpack->verdict);
    if (result == 0) {
        put_u32(answer, (uint32_t)unpack->entries);
        for (uint32_t i = 0; i < unpack->noted; i++) put_text(answer, unpack->notes[i].path);
    } else {
        put_u32(answer, unpack->failure.error);
        put_text(answer, unpack->name);
        put_text(answer, unpack->failure.text);
        fputs(strerror((int)unpack->failure.error), answer);
    }
    bool whole = fclose(answer) == 0;
    if (whole) put_all(fd, (const uint8_t *)bytes, length);
    free(bytes);
    return !whole;
}

static int begin(struct unpack *unpack, struct stream *stream) {
    uint32_t type, length;
    struct cursor fields;
    int result = take_record(stream, &type, &length, &fields);
    if (result < 0) return fail(&unpack->failure, result, "read the first record");
    unpack->entries_max = take_u64(&fields);
    unpack->trusted = take_bool(&fields);
    if (type != START || fields.bad || unpack->entries_max > UINT32_MAX)
        return fail(&unpack->failure, EBADMSG, "read the first record");
    return unpack_note(unpack, "", false, (struct timespec){0});
}

static int run(int records, int answers, int layer, bool walls) {
    static struct unpack unpack;
    static struct stream stream;
    memset(&unpack, 0, sizeof unpack);
    stream = (struct stream){.fd = records};
    unpack.root.fd = layer;
    unpack.file = -1;
    unpack.verdict = FAILED;
    for (int i = 0; i < OPEN_DIRECTORIES; i++) unpack.open[i].fd = -1;
    unpack.as_root = geteuid() == 0 && getegid() == 0;
    umask(0);
    int result = begin(&unpack, &stream);
    if (result == 0 && walls) result = confine(layer, unpack.trusted, &unpack.failure);
    if (result == 0) {
        unpack_described(&unpack);
        result = take_records(&unpack, &stream);
    }
    int status = answer(&unpack, answers, result);
    unpack_free(&unpack);
    free(stream.record);
    return status;
}

int unpack_run(int records, int answers, int layer) {
    /* The library's own ending may make calls that are forbidden now. */
    _exit(run(records, answers, layer, true));
}

int unpack_records(int records, int answers, int layer) {
    return run(records, answers, layer, false);
}
