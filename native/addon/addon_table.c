/*
 * Tables of hundreds of lines (src/engine/listing/table.ts). The compiler of JavaScript is left out of commands that are
 * over at once, and without it a line of seven cells takes ten microseconds; here it takes a fifth of one.
 */
#include "addon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Around a time in a cell, in milliseconds, that is shown as how long ago that is. */
#define TIME_BEGINS '\1'
#define TIME_ENDS '\2'

#define MAX_COLUMNS 16

struct text {
    char *bytes;
    size_t length, room;
};

/* Up to `below` milliseconds it is `words`; or, where `each` is not 0, so many of `each` milliseconds, of `words`. */
struct step {
    int64_t below, each, early;
    const char *words;
};

struct table {
    const struct step *steps;
    size_t step_count;
    int64_t now;
    size_t widths[MAX_COLUMNS];
    size_t gap;
};

static bool append(struct text *text, const char *bytes, size_t length) {
    if (length == 0) return true;
    if (text->room - text->length < length) {
        size_t room = (text->length + length) * 2;
        char *grown = realloc(text->bytes, room);
        if (grown == NULL) return false;
        text->bytes = grown;
        text->room = room;
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    return true;
}

static bool pad(struct text *text, size_t count) {
    static const char blanks[] = "                                ";
    for (; count >= sizeof blanks; count -= sizeof blanks - 1) {
        if (!append(text, blanks, sizeof blanks - 1)) return false;
    }
    return append(text, blanks, count);
}

/* snprintf(3) takes a third of the time of a whole line. */
static bool append_number(struct text *text, uint64_t number) {
    char digits[20];
    size_t first = sizeof digits;
    do digits[--first] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return append(text, digits + first, sizeof digits - first);
}

static bool append_length_of_time(struct text *text, const struct table *table, int64_t milliseconds) {
    for (size_t index = 0; index < table->step_count; index++) {
        const struct step *step = &table->steps[index];
        if (milliseconds >= step->below && index + 1 < table->step_count) continue;
        bool counts = step->each > 0;
        if (counts && !append_number(text, (uint64_t)((milliseconds + step->early) / step->each))) return false;
        return (!counts || append(text, " ", 1)) && append(text, step->words, strlen(step->words));
    }
    return true;
}

/* In characters: a byte that goes on with one of UTF-8 is none. */
static size_t width_of(const char *bytes, size_t length) {
    size_t width = 0;
    for (size_t index = 0; index < length; index++) width += ((unsigned char)bytes[index] & 0xc0) != 0x80;
    return width;
}

/* The same cells with times as words. */
static bool tell_times(struct text *told, const struct table *table, const char *cells) {
    while (*cells != '\0') {
        const char *time_begins = strchrnul(cells, TIME_BEGINS);
        if (!append(told, cells, (size_t)(time_begins - cells))) return false;
        cells = time_begins;
        if (*cells == '\0') break;
        char *end;
        int64_t time = strtoll(cells + 1, &end, 10);
        /* Nobody's clock was before 1970, and nothing is longer ago than that. */
        int64_t since = time < 0 ? 0 : time;
        if (!append_length_of_time(told, table, since < table->now ? table->now - since : 0)) return false;
        cells = *end == TIME_ENDS ? end + 1 : end;
    }
    return append(told, "", 1);
}

/* strcspn(3) takes longer to begin than a cell is long. */
static size_t length_of_cell(const char *cell) {
    size_t length = 0;
    while (cell[length] != '\t' && cell[length] != '\n' && cell[length] != '\0') length++;
    return length;
}

/* Calls `each` with each cell of the lines, and with what follows it: a tab, the end of the line or of all. */
typedef bool on_cell(void *data, size_t column, const char *cell, size_t length, char next);

static bool walk_cells(const char *cells, on_cell *each, void *data) {
    size_t column = 0;
    while (*cells != '\0') {
        size_t length = length_of_cell(cells);
        char next = cells[length];
        if (!each(data, column < MAX_COLUMNS ? column : MAX_COLUMNS - 1, cells, length, next)) return false;
        column = next == '\t' ? column + 1 : 0;
        cells += next == '\0' ? length : length + 1;
    }
    return column == 0 || each(data, column, cells, 0, '\0');
}

static bool widen(void *data, size_t column, const char *cell, size_t length, char next) {
    struct table *table = data;
    size_t width = width_of(cell, length) + table->gap;
    if (next == '\t' && width > table->widths[column]) table->widths[column] = width;
    return true;
}

struct printing {
    const struct table *table;
    struct text text;
};

static bool print(void *data, size_t column, const char *cell, size_t length, char next) {
    struct printing *printing = data;
    if (!append(&printing->text, cell, length)) return false;
    if (next == '\t') return pad(&printing->text, printing->table->widths[column] - width_of(cell, length));
    return append(&printing->text, "\n", 1);
}

static bool read_steps(char *const *lines, struct step *steps, size_t count) {
    for (size_t index = 0; index < count; index++) {
        int words = 0;
        long long below, each, early;
        int read = sscanf(lines[index], "%lld %lld %lld %n", &below, &each, &early, &words);
        if (read != 3 || words == 0 || lines[index][words] == '\0') return false;
        steps[index] = (struct step){below, each, early, lines[index] + words};
    }
    return true;
}

/* 0 or an errno. */
static int draw(struct printing *printing, struct table *table, struct text *told, const char *cells) {
    if (!tell_times(told, table, cells)) return ENOMEM;
    walk_cells(told->bytes, widen, table);
    return walk_cells(told->bytes, print, printing) ? 0 : ENOMEM;
}

static napi_value run_table(napi_env env, const struct argument *a) {
    size_t count = a[4].length;
    struct step *steps = calloc(count + 1, sizeof *steps);
    if (steps == NULL) return throw_errno(env, "table", ENOMEM);
    struct table table = {.steps = steps, .step_count = count, .now = a[1].number, .gap = (size_t)a[3].number};
    for (size_t column = 0; column < MAX_COLUMNS; column++) table.widths[column] = (size_t)a[2].number;
    struct printing printing = {.table = &table};
    struct text told = {0};
    int error = read_steps(a[4].list, steps, count) ? draw(&printing, &table, &told, a[0].text) : EINVAL;
    napi_value value = NULL;
    const char *drawn = printing.text.length == 0 ? "" : printing.text.bytes;
    if (error == 0) napi_create_string_utf8(env, drawn, printing.text.length, &value);
    free(steps);
    free(told.bytes);
    free(printing.text.bytes);
    return error == 0 ? value : throw_errno(env, "table", error);
}

const struct call table_calls[] = {
    {"table", "stuuS", run_table},
    {0},
};
