/*
 * unpack-fuzz SEED ROUNDS DIRECTORY [RANDOM]: damages the records of a layer and lets the unpacker make what they say, in an
 * empty directory and without its walls. Built with the sanitizers; the test is that they have nothing to say, and that
 * nothing lies beside the layer afterwards. Fails when the seed is refused.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "damage.h"
#include "remove.h"
#include "unpack.h"

/* Whether the unpacker says that all is made. */
static int accepts(int above, int records, int answers, const uint8_t *bytes, size_t length) {
    uint8_t verdict[4] = {0xff};
    if (ftruncate(records, 0) != 0 || pwrite(records, bytes, length, 0) != (ssize_t)length) exit(2);
    if (lseek(records, 0, SEEK_SET) != 0 || ftruncate(answers, 0) != 0 || lseek(answers, 0, SEEK_SET) != 0) exit(2);
    if (mkdirat(above, "layer", 0755) != 0) exit(2);
    int layer = openat(above, "layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (layer < 0) exit(2);
    unpack_records(records, answers, layer);
    close(layer);
    if (fchdir(above) != 0 || remove_at(above, "layer", NULL) < 0) exit(2);
    return pread(answers, verdict, sizeof verdict, 0) == (ssize_t)sizeof verdict && verdict[0] == DONE;
}

static const uint8_t edges[] = {0x00, 0xff, 0x7f, 0x80, 0x01, '/', '.'};

static int count_entries(int directory) {
    DIR *stream = fdopendir(dup(directory));
    int count = 0;
    if (stream == NULL) return -1;
    rewinddir(stream);
    while (readdir(stream) != NULL) count++;
    closedir(stream);
    return count;
}

int main(int count, char **arguments) {
    static uint8_t seed[1 << 20], copy[1 << 20];
    if (count < 4) return 2;
    FILE *file = fopen(arguments[1], "rb");
    size_t length = file == NULL ? 0 : fread(seed, 1, sizeof seed, file);
    if (file != NULL) fclose(file);
    int above = open(arguments[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int records = memfd_create("records", MFD_CLOEXEC), answers = memfd_create("answers", MFD_CLOEXEC);
    if (above < 0 || records < 0 || answers < 0 || length == 0) return 2;
    random_state = count > 4 ? strtoull(arguments[4], NULL, 10) | 1 : 88172645463325252u;
    if (!accepts(above, records, answers, seed, length)) return fprintf(stderr, "the seed is refused\n"), 1;
    for (size_t cut = 0; cut < length; cut++) {
        if (accepts(above, records, answers, seed, cut)) return fprintf(stderr, "%zu bytes are accepted\n", cut), 1;
    }
    long accepted = 0, rounds = strtol(arguments[2], NULL, 10);
    for (long round = 0; round < rounds; round++) {
        memcpy(copy, seed, length);
        damage(copy, length, edges, sizeof edges);
        accepted += accepts(above, records, answers, copy, length);
    }
    if (count_entries(above) != 2) return fprintf(stderr, "something lies beside the layer\n"), 1;
    printf("%zu truncations, %ld damaged streams, %ld of them still valid\n", length, rounds, accepted);
    return 0;
}
