/* What the probe finds at paths that the test names. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probe.h"

enum { CONTENT_MAX = 8192, TEXT_MAX = 16384 };

/* Type, mode, owner; a device's numbers, a link's target. */
static void describe(const char *path, char *text, size_t size) {
    struct stat found;
    if (lstat(path, &found) < 0) {
        snprintf(text, size, "%s", strerror(errno));
        return;
    }
    char target[PATH_MAX] = "";
    if (S_ISLNK(found.st_mode)) {
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = '\0';
        snprintf(text, size, "link %u:%u %s", found.st_uid, found.st_gid, target);
        return;
    }
    const char *type = S_ISDIR(found.st_mode)    ? "directory"
                       : S_ISREG(found.st_mode)  ? "file"
                       : S_ISCHR(found.st_mode)  ? "character"
                       : S_ISBLK(found.st_mode)  ? "block"
                       : S_ISFIFO(found.st_mode) ? "fifo"
                                                 : "socket";
    int written = snprintf(text, size, "%s %04o %u:%u", type, found.st_mode & 07777U, found.st_uid, found.st_gid);
    if (S_ISCHR(found.st_mode) || S_ISBLK(found.st_mode))
        snprintf(text + written, size - (size_t)written, " %u:%u", major(found.st_rdev), minor(found.st_rdev));
}

static void read_content(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t length = 0, total = 0;
    if (size > CONTENT_MAX) size = CONTENT_MAX;
    while (fd >= 0 && total < (ssize_t)size - 1 && (length = read(fd, text + total, size - 1 - (size_t)total)) > 0)
        total += length;
    text[total] = '\0';
    if (fd < 0 || length < 0) snprintf(text, size, "! %s", strerror(errno));
    if (fd >= 0) close(fd);
}

static int by_name(const struct dirent **one, const struct dirent **other) {
    return strcmp((*one)->d_name, (*other)->d_name);
}

/* The names of a directory, a space between them. */
static void list(const char *path, char *text, size_t size) {
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, by_name);
    text[0] = '\0';
    if (count < 0) snprintf(text, size, "! %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        size_t used = strlen(text);
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            snprintf(text + used, size - used, "%s%s", used == 0 ? "" : " ", name);
        free(entries[i]);
    }
    free(entries);
}

/* Whether it opens for reading and writing; nothing is written. */
static void try_open(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    snprintf(text, size, "%s", fd >= 0 ? "opened" : strerror(errno));
    if (fd >= 0) close(fd);
}

/* Whether a directory takes a new file, which is removed again. */
static void try_create(const char *path, char *text, size_t size) {
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s/onggi-probe-new", path);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    struct stat made;
    if (fd < 0 || fstat(fd, &made) < 0) snprintf(text, size, "%s", strerror(errno));
    else snprintf(text, size, "made %04o %u:%u", made.st_mode & 07777U, made.st_uid, made.st_gid);
    if (fd < 0) return;
    close(fd);
    unlink(name);
}

static const struct {
    const char *word;
    void (*look)(const char *path, char *text, size_t size);
} looks[] = {
    {"stat", describe}, {"content", read_content}, {"list", list}, {"open", try_open}, {"create", try_create},
};

/* `WORD:PATH` of `words` as an object; other words are left alone. */
void probe_paths(char **words) {
    probe_key("paths");
    putchar('{');
    for (int first = 1; *words != NULL; words++) {
        const char *path = strchr(*words, ':');
        if (path == NULL) continue;
        for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
            size_t length = strlen(looks[i].word);
            if (strncmp(*words, looks[i].word, length) != 0 || (*words)[length] != ':') continue;
            char text[TEXT_MAX] = "";
            looks[i].look(path + 1, text, sizeof text);
            if (!first) putchar(',');
            first = 0;
            probe_string(*words);
            putchar(':');
            probe_string(text);
        }
    }
    putchar('}');
}
