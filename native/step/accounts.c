#include "accounts.h"

#include <stdint.h>
#include <string.h>

#include "path.h"
#include "scoped.h"
#include "syscalls.h"

enum { FILE_MAX_BYTES = 10 << 20, LINE_MAX_BYTES = 1 << 16, FIELDS_MAX = 7 };

/* A file read line by line. One at a time: the buffer is static. */
struct lines {
    int fd;
    size_t start, end, total;
};

static char line_buffer[LINE_MAX_BYTES];

static void close_lines(const struct lines *lines) {
    close_scoped_fd(&lines->fd);
}

#define scoped_lines __attribute__((cleanup(close_lines))) struct lines

/* What there is to say of a file that is not read to its end. */
static const char *limit_text(int result) {
    _Static_assert(FILE_MAX_BYTES == 10 << 20 && LINE_MAX_BYTES == 64 << 10, "said here");
    return result == -EFBIG ? ", which has more than 10 MiB or a line of 64 KiB" : "";
}

/* -ENOENT when the image has no such file. */
static int open_lines(int root, const char *path, struct lines *lines) {
    scoped_fd fd = root_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) return fd;
    struct stat status;
    int result = (int)SYS(fstat(fd, &status));
    if (result < 0) return result;
    if (!S_ISREG(status.st_mode)) return -EINVAL;
    if (status.st_size > FILE_MAX_BYTES) return -EFBIG;
    *lines = (struct lines){.fd = take_fd(&fd)};
    return 0;
}

static int refill(struct lines *lines) {
    memmove(line_buffer, line_buffer + lines->start, lines->end - lines->start);
    lines->end -= lines->start;
    lines->start = 0;
    if (lines->end == sizeof line_buffer - 1) return -EFBIG;
    long got = SYS(read(lines->fd, line_buffer + lines->end, sizeof line_buffer - 1 - lines->end));
    if (got <= 0) return (int)got;
    lines->end += (size_t)got;
    lines->total += (size_t)got;
    return lines->total > FILE_MAX_BYTES ? -EFBIG : 1;
}

/* 1 with the next line, 0 at the end, -errno. The line is overwritten by the next call. */
static int next_line(struct lines *lines, char **line) {
    while (true) {
        char *start = line_buffer + lines->start;
        char *newline = memchr(start, '\n', lines->end - lines->start);
        if (newline != NULL) {
            *newline = '\0';
            *line = start;
            lines->start = (size_t)(newline - line_buffer) + 1;
            return 1;
        }
        int more = refill(lines);
        if (more < 0) return more;
        if (more > 0) continue;
        if (lines->end == lines->start) return 0;
        line_buffer[lines->end] = '\0';
        *line = line_buffer + lines->start;
        lines->start = lines->end;
        return 1;
    }
}

static size_t split(char *line, char *fields[FIELDS_MAX]) {
    size_t count = 0;
    char *rest = line;
    while (count < FIELDS_MAX && rest != NULL) fields[count++] = strsep(&rest, ":");
    return count;
}

static bool is_number(const char *text) {
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* 0 to 2^31 - 1: what every tool, and the kernel's -1 for "leave it", agree on. */
static int parse_id(const char *text, uint32_t *id) {
    if (!is_number(text)) return -EINVAL;
    uint64_t value = 0;
    for (; *text != '\0'; text++) {
        value = value * 10 + (uint64_t)(*text - '0');
        if (value > INT32_MAX) return -ERANGE;
    }
    *id = (uint32_t)value;
    return 0;
}

static int copy_text(char *to, size_t size, const char *from) {
    size_t length = strlen(from);
    if (length >= size) return -ENAMETOOLONG;
    memcpy(to, from, length + 1);
    return 0;
}

/* name:password:uid:gid:comment:home:shell */
static int take_account(char *fields[FIELDS_MAX], size_t count, struct account *account) {
    int result = parse_id(fields[2], &account->uid);
    if (result == 0) result = parse_id(fields[3], &account->gid);
    if (result == 0) result = copy_text(account->name, sizeof account->name, fields[0]);
    if (result == 0 && count > 5 && fields[5][0] == '/') result = copy_text(account->home, sizeof account->home, fields[5]);
    return result;
}

static bool account_matches(char *fields[FIELDS_MAX], size_t count, const char *user, bool by_number, uint32_t number) {
    if (count < 4) return false;
    if (!by_number) return strcmp(fields[0], user) == 0;
    uint32_t id;
    return parse_id(fields[2], &id) == 0 && id == number;
}

/* 1 when found, 0 when not, -errno. */
static int search_accounts(int root, const char *user, bool by_number, uint32_t number, struct account *account) {
    scoped_lines lines = {.fd = -1};
    int result = open_lines(root, "/etc/passwd", &lines);
    if (result < 0) return result == -ENOENT ? 0 : result;
    char *line, *fields[FIELDS_MAX];
    while ((result = next_line(&lines, &line)) > 0) {
        size_t count = split(line, fields);
        if (!account_matches(fields, count, user, by_number, number)) continue;
        result = take_account(fields, count, account);
        return result < 0 ? result : 1;
    }
    return result;
}

int account_find(int root, const char *user, bool grouped, struct account *account, struct failure *failure) {
    *account = (struct account){.home = "/"};
    bool by_number = is_number(user);
    uint32_t number = 0;
    int result = by_number ? parse_id(user, &number) : 0;
    if (result < 0) return fail(failure, result, "user \"%s\" is not between 0 and 2147483647", user);
    int found = search_accounts(root, user, by_number, number, account);
    /* Ids that are both given need no file, and are the way past one that is not read. */
    if (found == -EFBIG && by_number && grouped) found = 0;
    if (found < 0)
        return fail(failure, found, "look for user \"%s\" in the container's /etc/passwd%s", user, limit_text(found));
    if (found == 0 && !by_number) return fail(failure, ENOENT, "user \"%s\" is not in the container's /etc/passwd", user);
    if (found == 0) account->uid = number;
    return 0;
}

static int fail_group(int result, const char *group, struct failure *failure) {
    return fail(failure, result, "look for group \"%s\" in the container's /etc/group%s", group, limit_text(result));
}

int group_find(int root, const char *group, gid_t *gid, struct failure *failure) {
    if (is_number(group)) {
        int result = parse_id(group, gid);
        return result < 0 ? fail(failure, result, "group \"%s\" is not between 0 and 2147483647", group) : 0;
    }
    scoped_lines lines = {.fd = -1};
    int result = open_lines(root, "/etc/group", &lines);
    if (result < 0) return fail_group(result, group, failure);
    char *line, *fields[FIELDS_MAX];
    while ((result = next_line(&lines, &line)) > 0) {
        if (split(line, fields) < 3 || strcmp(fields[0], group) != 0) continue;
        result = parse_id(fields[2], gid);
        return result < 0 ? fail(failure, result, "group \"%s\" has a malformed id", group) : 0;
    }
    if (result < 0) return fail_group(result, group, failure);
    return fail(failure, ENOENT, "group \"%s\" is not in the container's /etc/group", group);
}

int group_add(struct group_list *groups, gid_t gid) {
    for (size_t i = 0; i < groups->count; i++) {
        if (groups->ids[i] == gid) return 0;
    }
    if (groups->count == GROUPS_MAX) return -E2BIG;
    groups->ids[groups->count++] = gid;
    return 0;
}

static int fail_groups(int result, const struct account *account, struct failure *failure) {
    return fail(failure, result, "look for the groups of user \"%s\" in the container's /etc/group%s", account->name,
                limit_text(result));
}

static bool has_member(char *members, const char *name) {
    char *member;
    while ((member = strsep(&members, ",")) != NULL) {
        if (strcmp(member, name) == 0) return true;
    }
    return false;
}

int groups_of(int root, const struct account *account, struct group_list *groups, struct failure *failure) {
    if (account->name[0] == '\0') return 0;
    scoped_lines lines = {.fd = -1};
    int result = open_lines(root, "/etc/group", &lines);
    if (result == -ENOENT) return 0;
    if (result < 0) return fail_groups(result, account, failure);
    char *line, *fields[FIELDS_MAX];
    while ((result = next_line(&lines, &line)) > 0) {
        uint32_t gid;
        if (split(line, fields) < 4 || !has_member(fields[3], account->name)) continue;
        if (parse_id(fields[2], &gid) < 0) continue;
        result = group_add(groups, gid);
        if (result < 0) break;
    }
    return result < 0 ? fail_groups(result, account, failure) : 0;
}
