/* Compression of a log file that nobody writes to any more. */
#ifndef ONGGI_LOG_COMPRESS_H
#define ONGGI_LOG_COMPRESS_H

/*
 * Makes a gzip file at `target` and removes `path`. The header has the inode of the old file: readers know files by
 * that (src/engine/log/log-file.ts). 0 or -errno; then the old file is as it was.
 */
int compress_file(const char *path, const char *target);

#endif
