/* Copies a directory's content into another one (the mount option "tmpcopyup"). */
#ifndef ONGGI_COPY_H
#define ONGGI_COPY_H

/*
 * Everything below `from` goes into the empty directory `to`: names, owners, modes, times, content, devices; no extended
 * attributes, no sockets. No link is followed and nothing but regular files is opened. 0 or -errno.
 */
int copy_directory(int from, int to);

/* 1 when a directory has no entries, else 0, or -errno. */
int directory_is_empty(int directory);

#endif
