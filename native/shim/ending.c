#include "ending.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol.h"
#include "scoped.h"
#include "syscalls.h"

/* A text of fixed size that is filled from the front; `full` tells that something did not fit. */
struct text {
    char bytes[4096];
    size_t used;
    bool full;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text->bytes + text->used, sizeof text->bytes - text->used, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text->bytes - text->used) text->full = true;
    else text->used += (size_t)length;
}

/* Everything that is not plain ASCII becomes "?": the text quotes names out of images. */
static void add_string(struct text *text, const char *string) {
    add(text, "\"");
    for (; *string != '\0'; string++) {
        if (*string == '"' || *string == '\\') add(text, "\\%c", *string);
        else add(text, "%c", *string >= 0x20 && *string < 0x7f ? *string : '?');
    }
    add(text, "\"");
}

static void format_ending(struct text *text, const struct ending *ending) {
    const char *oom = ending->flags & EXIT_OOM_CGROUP ? "\"cgroup\"" : ending->flags & EXIT_OOM_HOST ? "\"host\"" : "null";
    add(text, "{\"exitCode\":%u,\"signal\":%u,\"oom\":%s,\"coreDumped\":%s", ending->exit_code, ending->signal, oom,
        ending->flags & EXIT_CORE_DUMPED ? "true" : "false");
    const struct failure *failure = &ending->failure;
    if (failure->error == 0) {
        add(text, ",\"failure\":null");
    } else {
        add(text, ",\"failure\":{\"phase\":%u,\"index\":%u,\"errno\":%u,\"text\":", failure->phase, failure->index,
            failure->error);
        add_string(text, failure->text);
        add(text, "}");
    }
    const struct sender *sender = &ending->sender;
    if (sender->signal == 0) add(text, ",\"sender\":null");
    else add(text, ",\"sender\":{\"pid\":%u,\"uid\":%u,\"signal\":%u}", sender->pid, sender->uid, sender->signal);
    if (ending->started_at == 0) add(text, ",\"startedAt\":null");
    else add(text, ",\"startedAt\":\"%llu\"", (unsigned long long)ending->started_at);
    add(text, ",\"finishedAt\":\"%llu\"", (unsigned long long)ending->finished_at);
    add(text, ",\"released\":%s}\n", ending->flags & EXIT_RELEASED ? "true" : "false");
}

/* Not truncated first: whoever started the container may have left a file of blanks, so that a full disk has room. */
static int write_text(int directory, const char *name, const struct text *text, bool synced) {
    scoped_fd fd = (int)SYS(openat(directory, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd < 0) return fd;
    size_t done = 0;
    while (done < text->used) {
        long written = SYS(write(fd, text->bytes + done, text->used - done));
        if (written <= 0) return written < 0 ? (int)written : -EIO;
        done += (size_t)written;
    }
    int result = (int)SYS(ftruncate(fd, (off_t)done));
    return result < 0 || !synced ? result : (int)SYS(fsync(fd));
}

int ending_write(const char *path, const struct ending *ending, bool synced) {
    if (path[0] == '\0') return 0;
    struct text text = {.used = 0};
    format_ending(&text, ending);
    if (text.full) return -E2BIG;
    char directory_path[PATH_MAX], temporary[NAME_MAX + 1];
    const char *name = strrchr(path, '/') + 1;
    int size = snprintf(directory_path, sizeof directory_path, "%.*s", (int)(name - path), path);
    int temporary_size = snprintf(temporary, sizeof temporary, ".%s.new", name);
    if (size >= (int)sizeof directory_path || temporary_size >= (int)sizeof temporary) return -ENAMETOOLONG;
    scoped_fd directory = (int)SYS(open(directory_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory < 0) return directory;
    int result = write_text(directory, temporary, &text, synced);
    if (result == 0) result = (int)SYS(renameat(directory, temporary, directory, name));
    return result < 0 || !synced ? result : (int)SYS(fsync(directory));
}
