/* How an array is folded along some of its axes: into blocks that depend on its shape alone, so that a result is the
   same whatever number of threads share them. A total is what a block comes to: wider than an element, where sums need that. */

#ifndef RL_FOLD_H
#define RL_FOLD_H

#include "lanes.h"

/* Elements of a block; results whose totals lie in the first-level cache together; columns that are few. */
#define RL_BLOCK 16384
#define RL_TILE 512
#define RL_FEW 32
/* Elements that are worth a thread. */
#define RL_WORTH 100000

typedef struct {
    Py_ssize_t item, wide; /* bytes of an element and of a total */
    /* The totals of `count` runs of n elements, one after the other; n may be 0 where there is a total of nothing. */
    void (*runs)(const char *x, Py_ssize_t count, Py_ssize_t n, const double *centre, char *totals);
    /* The totals of `width` columns, of rows `stride` elements apart. */
    void (*columns)(const char *x, Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t width, const double *centre, char *totals);
    /* totals[k] with others[k], for k < n. */
    void (*join)(char *totals, const char *others, Py_ssize_t n);
} rl_fold;

/* The elements as (outer, rows, columns, run), of which rows and run are folded. */
typedef struct rl_job {
    const rl_fold *fold;
    const char *x;
    char *out, *parts;
    const double *centre; /* a number for each result, where the fold asks for it */
    void (*finish)(const struct rl_job *job, const char *totals, Py_ssize_t first, Py_ssize_t n);
    double divisor;
    int root; /* whether a square root is taken of what finish gets */
    Py_ssize_t outer, rows, columns, run, count;
    Py_ssize_t block, blocks, tile, tiles;
} rl_job;

static int rl_by_column(const rl_job *j) { return j->run == 1 && j->columns > 1; }

/* Divide the job: into how many tasks, and how many make up what is worth a thread. */
RL_UNUSED static Py_ssize_t rl_divide(rl_job *j, Py_ssize_t *least) {
    Py_ssize_t tasks, length = j->rows * j->run;
    j->blocks = 1;
    if (rl_by_column(j)) {
        j->tile = j->columns < RL_TILE ? j->columns : RL_TILE;
        j->block = RL_BLOCK / j->tile * 2;
        if (j->block < j->rows) j->blocks = (j->rows + j->block - 1) / j->block;
        j->tiles = (j->columns + j->tile - 1) / j->tile;
        tasks = j->outer * j->blocks * j->tiles;
    } else if (j->columns == 1 && length > RL_BLOCK) {
        j->block = RL_BLOCK;
        j->blocks = (length + j->block - 1) / j->block;
        tasks = j->outer * j->blocks;
    } else {
        Py_ssize_t results = j->columns == 1 ? j->outer : j->columns;
        j->tile = length > RL_BLOCK ? 1 : RL_BLOCK / (length ? length : 1);
        if (j->tile > RL_TILE) j->tile = RL_TILE;
        j->tiles = (results + j->tile - 1) / j->tile;
        tasks = j->columns == 1 ? j->tiles : j->outer * j->tiles;
    }
    Py_ssize_t each = j->outer * j->columns * length / (tasks ? tasks : 1);
    *least = RL_WORTH / (each ? each : 1) + 1;
    return tasks;
}

static const double *rl_centre(const rl_job *j, Py_ssize_t result) { return j->centre ? j->centre + result : NULL; }

/* Rows of few columns are taken together, as one of many. */
static void rl_few_columns(const rl_job *j, const char *x, Py_ssize_t rows, Py_ssize_t result, char *totals) {
    const rl_fold *f = j->fold;
    Py_ssize_t n = j->columns, together = 4 * RL_FEW / n, wide = n * together, k;
    const double *centre = rl_centre(j, result);
    double space[4 * RL_FEW], centres[4 * RL_FEW];
    char *others = (char *)space;
    if (rows < 2 * together) {
        f->columns(x, rows, n, n, centre, totals);
        return;
    }
    for (k = 0; centre && k < wide; k++) centres[k] = centre[k % n];
    f->columns(x, rows / together, wide, wide, centres, others);
    memcpy(totals, others, n * f->wide);
    for (k = 1; k < together; k++) f->join(totals, others + k * n * f->wide, n);
    if (rows % together == 0) return;
    f->columns(x + rows / together * wide * f->item, rows % together, n, n, centre, others);
    f->join(totals, others, n);
}

static void rl_column_task(const rl_job *j, Py_ssize_t task) {
    const rl_fold *f = j->fold;
    double space[RL_TILE];
    char *totals = (char *)space;
    Py_ssize_t tile = task % j->tiles * j->tile, b = task / j->tiles % j->blocks, a = task / j->tiles / j->blocks;
    Py_ssize_t width = j->columns - tile < j->tile ? j->columns - tile : j->tile;
    Py_ssize_t rows = j->blocks == 1 ? j->rows : j->rows - b * j->block < j->block ? j->rows - b * j->block : j->block;
    Py_ssize_t first = a * j->columns + tile;
    const char *x = j->x + ((a * j->rows + b * (j->blocks == 1 ? 0 : j->block)) * j->columns + tile) * f->item;
    if (j->columns <= RL_FEW) rl_few_columns(j, x, rows, first, totals);
    else f->columns(x, rows, j->columns, width, rl_centre(j, first), totals);
    if (j->blocks == 1) j->finish(j, totals, first, width);
    else memcpy(j->parts + ((a * j->blocks + b) * j->columns + tile) * f->wide, totals, width * f->wide);
}

static void rl_block_task(const rl_job *j, Py_ssize_t task) {
    Py_ssize_t b = task % j->blocks, a = task / j->blocks, length = j->rows * j->run;
    Py_ssize_t n = length - b * j->block < j->block ? length - b * j->block : j->block;
    j->fold->runs(j->x + (a * length + b * j->block) * j->fold->item, 1, n, rl_centre(j, a), j->parts + task * j->fold->wide);
}

static void rl_runs_task(const rl_job *j, Py_ssize_t task) {
    const rl_fold *f = j->fold;
    double space[2 * RL_TILE];
    char *totals = (char *)space, *others = (char *)(space + RL_TILE);
    Py_ssize_t results = j->columns == 1 ? j->outer : j->columns, b;
    Py_ssize_t a = j->columns == 1 ? 0 : task / j->tiles, tile = (task - a * j->tiles) * j->tile;
    Py_ssize_t n = results - tile < j->tile ? results - tile : j->tile, first = a * j->columns + tile;
    const char *x = j->x + (a * j->rows * j->columns + tile) * j->run * f->item;
    const double *centre = rl_centre(j, first);
    f->runs(x, n, j->run, centre, totals);
    for (b = 1; j->columns > 1 && b < j->rows; b++) {
        f->runs(x + b * j->columns * j->run * f->item, n, j->run, centre, others);
        f->join(totals, others, n);
    }
    j->finish(j, totals, first, n);
}

RL_UNUSED static void rl_fold_span(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_job *j = what;
    for (Py_ssize_t task = begin; task < end; task++) {
        if (rl_by_column(j)) rl_column_task(j, task);
        else if (j->blocks > 1) rl_block_task(j, task);
        else rl_runs_task(j, task);
    }
}

/* Bytes for the totals of blocks, where there are several to a result. */
RL_UNUSED static size_t rl_parts_size(const rl_job *j) {
    return j->blocks == 1 ? 0 : j->outer * j->blocks * (rl_by_column(j) ? j->columns : 1) * j->fold->wide;
}

/* The totals of blocks joined, the first half with the second, again and again. */
RL_UNUSED static void rl_fold_parts(const rl_job *j) {
    Py_ssize_t width = rl_by_column(j) ? j->columns : 1, wide = j->fold->wide, a, b, n, half;
    for (a = 0; a < j->outer; a++) {
        char *parts = j->parts + a * j->blocks * width * wide;
        for (n = j->blocks; n > 1; n = half) {
            half = (n + 1) / 2;
            for (b = 0; b + half < n; b++) j->fold->join(parts + b * width * wide, parts + (b + half) * width * wide, width);
        }
        j->finish(j, parts, a * width, width);
    }
}

/* What results are of which nothing is folded. */
RL_UNUSED static void rl_fold_nothing(const rl_job *j) {
    double total;
    j->fold->runs(j->x, 1, 0, j->centre, (char *)&total);
    for (Py_ssize_t k = 0; k < j->outer * j->columns; k++) j->finish(j, (char *)&total, k, 1);
}

#endif
