/* Removes trees of files, in a user namespace in which all their ids are known. */
#ifndef ONGGI_REMOVE_H
#define ONGGI_REMOVE_H

/* onggi-shim --remove PATH: with all below it; absent is fine. @returns the status to end with; why is said on 2. */
int remove_run(const char *path);

/* The same below a directory. 0 or -errno. */
int remove_at(int directory, const char *path);

#endif
