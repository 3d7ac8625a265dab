/*
 * Users and groups of the container, by its own /etc/passwd and /etc/group (passwd(5), group(5)). The files belong
 * to the image, so they may be anything: they are resolved below the root, must be regular, and are read line by
 * line in fixed memory with limits. What is not a plain number within range is never taken as an id: a wrapped or
 * misread id is a way to become root (CVE-2024-40635).
 */
#ifndef ONGGI_ACCOUNTS_H
#define ONGGI_ACCOUNTS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "failure.h"

/* More than any kernel takes usefully: NGROUPS_MAX is 65536, but 1024 groups are a mistake or an attack. */
#define GROUPS_MAX 1024

struct account {
    uid_t uid;
    gid_t gid;
    char name[256]; /* "" when the number has no entry */
    char home[PATH_MAX];
};

struct group_list {
    gid_t ids[GROUPS_MAX];
    size_t count;
};

/*
 * Finds a user by name or by number; a word of digits is always a number. A number without an entry is an account
 * with group 0 and home "/", as in Docker. So is a number that is `grouped`, for which the caller has a group, where the
 * file is too large. 0 or -errno (-ENOENT for an unknown name, -ERANGE for a bad number, -EFBIG for too large a file).
 */
int account_find(int root, const char *user, bool grouped, struct account *account, struct failure *failure);

/* Finds a group by name or by number; a number needs no entry. */
int group_find(int root, const char *group, gid_t *gid, struct failure *failure);

/* Adds the groups that list the account as a member. */
int groups_of(int root, const struct account *account, struct group_list *groups, struct failure *failure);

/* Adds one group unless it is in the list. -E2BIG when the list is full. */
int group_add(struct group_list *groups, gid_t gid);

#endif
