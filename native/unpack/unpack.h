/*
 * The unpacker of layers, a process of its own: what an archive says comes parsed and checked, as records; this makes the
 * entries. It sees nothing of the machine but the layer (confine.h). Law of the layout: an unpacked layer is a lower
 * directory of overlayfs, so whiteouts are character devices 0/0, opaque directories have an attribute.
 *
 *   descriptor 0   records, as they come: u32 length of what follows, u32 type, fields as in a plan (plan-reader.h)
 *   descriptor 1   the answer, once: see `enum verdict`
 *   descriptor 2   the directory of the layer, empty
 *
 *   START       u64 most entries, bool trusted: name space of overlayfs' marks
 *   ENTRY       name, path, u32 kind, u32 mode, u32 uid, u32 gid, u64 seconds, u32 nanoseconds, u64 size, u32 major,
 *               u32 minor, string link, count of attributes: string name, blob value
 *   DATA        content of the last file;  HOLE u64 bytes: zeros;  END: the file is complete
 *   WHITEOUT    name, path that is hidden
 *   OPAQUE      name, path of the directory
 *   NOTHING     name: it counts, and makes nothing
 *   FINISH      no more comes
 *
 * Every name is the entry's as the archive has it, for errors, "" when it is the path; a path has no "", "." or ".."
 * between its slashes, and "" is the layer itself.
 */
#ifndef ONGGI_UNPACK_H
#define ONGGI_UNPACK_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "failure.h"
#include "plan-reader.h"

enum record_type { START = 1, ENTRY, DATA, HOLE, END, WHITEOUT, OPAQUE, NOTHING, FINISH };

enum entry_kind { FILE_ENTRY, DIRECTORY, SYMLINK, HARDLINK, CHARACTER, BLOCK, FIFO, KINDS };

/*
 * DONE: u64 entries, then the paths of directories that no entry has described, each u32 length and bytes.
 * The others: u32 errno, u32 length and name of the entry, u32 length and text: what was tried, or what is wrong; the rest
 * is the errno in words. CUT_OFF: nothing failed, the records ended too early.
 */
enum verdict { DONE, FAILED, CORRUPT, TOO_MANY, FOREIGN_OWNER, CUT_OFF };

/* An archive whose entries come in turns from more directories than this opens one for each of them. */
enum { OPEN_DIRECTORIES = 192 };

/* A directory that is kept open for the next entry. */
struct held {
    char *path; /* NULL: free, or no longer to be found by its path */
    size_t length; /* of the path */
    int fd;     /* -1: free */
    bool plain; /* what root makes in it belongs to root:root by itself */
    uint64_t used;
};

struct attribute {
    const char *name;
    struct blob value;
};

struct entry {
    uint32_t kind, mode;
    uid_t uid;
    gid_t gid;
    struct timespec modified;
    uint64_t size;
    dev_t device;
    const char *link;
    uint32_t attributes;
    struct cursor rest; /* the attributes */
};

/* What is known of a directory, in the order in which it became known; the last word counts. */
struct note {
    char *path;
    struct timespec modified;
    bool described;
    bool left; /* still there in the end, and never described */
    uint32_t order;
};

struct place {
    const struct held *parent; /* NULL: the layer itself */
    const char *name;
};

struct unpack {
    struct held root;
    struct held open[OPEN_DIRECTORIES];
    uint64_t clock;
    struct note *notes;
    uint32_t noted, notes_room;
    uint64_t entries, entries_max;
    bool trusted;
    bool as_root; /* what this process makes belongs to root:root */
    bool inherits; /* some directory hands an access control list on to what is made in it */
    int file;      /* the one whose content comes, or -1 */
    bool file_plain, holes;
    struct entry entry;
    int link_directory; /* where the target of a hard link is, and its name there */
    const char *link_name;
    char name[PATH_MAX + 1], path[PATH_MAX + 1];
    enum verdict verdict;
    struct failure failure;
};

/* Reads records until the last one and answers. The exit status: 0 once an answer was given. */
int unpack_run(int records, int answers, int layer);
/* The same without the walls, for the fuzzer. */
int unpack_records(int records, int answers, int layer);

/* Notes a failure that is no errno; gives a negative number. */
int unpack_refuse(struct unpack *unpack, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* unpack-entry.c: what the record of that type asks for. 0 or -errno with `failure`. */
int unpack_entry(struct unpack *unpack);
int unpack_file_end(struct unpack *unpack);
int unpack_whiteout(struct unpack *unpack);
int unpack_opaque(struct unpack *unpack);

/* unpack-directory.c */
int unpack_count(struct unpack *unpack);
/* Where the entry at `path` is or will be; its parents are made. Good until the next call. */
int unpack_place(struct unpack *unpack, const char *path, bool make, struct place *place);
/* The directory at `path`. */
int unpack_directory(struct unpack *unpack, const char *path, bool make, const struct held **held);
/* Looks anew at who owns the root; forgets what was known of the others. */
void unpack_described(struct unpack *unpack);
/* A directory gave way to something else: what is open may be gone. It stays open until the next place is asked for. */
void unpack_replaced(struct unpack *unpack);
/* chmod of the entry itself. 0 or -errno. */
int unpack_chmod(int directory, const char *name, mode_t mode);
int unpack_note(struct unpack *unpack, const char *path, bool described, struct timespec modified);
/* Sets the times of all directories that were described, and leaves the notes of the others, lowest depth first. */
int unpack_set_times(struct unpack *unpack);
void unpack_free(struct unpack *unpack);

#endif
