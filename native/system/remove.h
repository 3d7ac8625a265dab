/* Removes trees of files: links are removed, not followed, and no path is looked up twice. */
#ifndef ONGGI_REMOVE_H
#define ONGGI_REMOVE_H

#include <limits.h>

/* The name of the entry that could not be removed. */
struct removal_failure {
    char name[NAME_MAX + 1];
};

/*
 * An entry with all below it. 1, or 0 when there was none, or -errno.
 * @param failure may be NULL
 */
int remove_at(int directory, const char *path, struct removal_failure *failure);

/*
 * onggi-shim --remove PATH, in a user namespace in which all ids of the tree are known. @returns the status to end
 * with; why is said on 2.
 */
int remove_run(const char *path);

#endif
