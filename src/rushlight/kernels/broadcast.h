/* A loop over two operands that broadcast, or lie in memory in other orders than the result: row by row, where a row that
   is neither contiguous nor one number is gathered first. */

#ifndef RL_BROADCAST_H
#define RL_BROADCAST_H

#include <Python.h>
#include <stdint.h>
#include <string.h>

#include "kernels/halves.h"
#include "kernels/squares.h"

#define RL_AXES 16
/* Elements of a task, and the largest tile that is gathered: rows of so many, and as many rows as fill a cache line. */
#define RL_TASK 4096
#define RL_GATHERED 256
#define RL_BAND(ITEM) (64 / (ITEM))
/* Bytes from one row of a tile to the next: a cache line more than it holds, so that rows do not meet in one place. */
#define RL_TILE_ROW(ITEM) (RL_GATHERED * (ITEM) + 64)

typedef struct {
    void (*loop)(const void *, int, const void *, int, void *, Py_ssize_t);
    const char *x, *y;
    char *out;
    int nd;
    Py_ssize_t dims[RL_AXES], order[RL_AXES];
    Py_ssize_t sx[RL_AXES], sy[RL_AXES], so[RL_AXES]; /* in bytes, 0 along what is repeated */
    Py_ssize_t item;
    int half, number, truth; /* numbers of 16 bits: see rl_half_loop2; else `half` is 0 */
    int gathers_x, gathers_y;
    Py_ssize_t band, bands, piece, pieces;
} rl_broadcast;

static void rl_broadcast_permute(Py_ssize_t *values, const rl_broadcast *b) {
    Py_ssize_t before[RL_AXES];
    memcpy(before, values, sizeof before);
    for (int k = 0; k < b->nd; k++) values[k] = before[b->order[k]];
}

/* Whether the first of two axes lies further in than the second in all operands that have both, as NumPy sees it; -1 where
   none has both. */
static int rl_broadcast_swapped(const rl_broadcast *b, int alone, Py_ssize_t outer, Py_ssize_t inner) {
    int swapped = 0;
    if (b->sx[outer] && b->sx[inner]) {
        if (b->sx[inner] <= b->sx[outer]) return 0;
        swapped = 1;
    }
    if (!alone && b->sy[outer] && b->sy[inner]) {
        if (b->sy[inner] <= b->sy[outer]) return 0;
        swapped = 1;
    }
    return swapped ? 1 : -1;
}

/* Bring the axes of the operands into the order in which NumPy lays out a result: row-major wherever they disagree. With
   `alone` only x counts. */
static void rl_broadcast_arrange(rl_broadcast *b, int alone) {
    for (int k = b->nd - 1; k >= 0; k--) {
        int place = k, i, swapped;
        b->order[k] = k;
        for (i = k + 1; i < b->nd; i++) {
            swapped = rl_broadcast_swapped(b, alone, k, b->order[i]);
            if (swapped == 0) break;
            if (swapped == 1) place = i;
        }
        for (i = k; i < place; i++) b->order[i] = b->order[i + 1];
        b->order[place] = k;
    }
    rl_broadcast_permute(b->dims, b);
    rl_broadcast_permute(b->sx, b);
    rl_broadcast_permute(b->sy, b);
}

/* Make one of neighbouring axes where all three go on evenly; at least two remain. */
static void rl_broadcast_merge(rl_broadcast *b) {
    int k, last = -1;
    for (k = 0; k < b->nd; k++) {
        Py_ssize_t n = b->dims[k];
        if (n == 1) continue;
        if (last >= 0 && b->sx[last] == b->sx[k] * n && b->sy[last] == b->sy[k] * n && b->so[last] == b->so[k] * n) n *= b->dims[last];
        else last++;
        b->dims[last] = n, b->sx[last] = b->sx[k], b->sy[last] = b->sy[k], b->so[last] = b->so[k];
    }
    b->nd = last + 1;
    for (; b->nd < 2; b->nd++) {
        for (k = b->nd; k > 0; k--) b->dims[k] = b->dims[k - 1], b->sx[k] = b->sx[k - 1], b->sy[k] = b->sy[k - 1], b->so[k] = b->so[k - 1];
        b->dims[0] = 1, b->sx[0] = b->sy[0] = b->so[0] = 0;
    }
}

/* Divide the work: into how many tasks, 0 where rows of the result are not contiguous. */
static Py_ssize_t rl_broadcast_divide(rl_broadcast *b, Py_ssize_t item_out) {
    rl_broadcast_merge(b);
    int last = b->nd - 1;
    Py_ssize_t width = b->dims[last], tasks = 1;
    if (width > 1 && b->so[last] != item_out) return 0;
    b->gathers_x = width > 1 && b->sx[last] != 0 && b->sx[last] != b->item;
    b->gathers_y = width > 1 && b->sy[last] != 0 && b->sy[last] != b->item;
    if (b->gathers_x || b->gathers_y) {
        b->piece = RL_GATHERED, b->band = RL_BAND(b->item);
    } else {
        b->piece = RL_TASK, b->band = width < RL_TASK ? RL_TASK / width : 1;
    }
    b->pieces = (width + b->piece - 1) / b->piece;
    b->bands = (b->dims[last - 1] + b->band - 1) / b->band;
    for (int k = 0; k < last - 1; k++) tasks *= b->dims[k];
    return tasks * b->bands * b->pieces;
}

/* Down the columns, which are what lies together where rows do not; along the rows, where they lie closer. */
#define RL_GATHER(T)                                                                        \
    if (rows == 1 || (across > 0 && across < down)) {                                       \
        for (Py_ssize_t r = 0; r < rows; r++) {                                             \
            T *restrict to_row = (T *)(tile + r * RL_TILE_ROW(item));                       \
            const T *row = (const T *)(from + r * down);                                    \
            if (across == 2 * (Py_ssize_t)sizeof(T))                                        \
                for (Py_ssize_t c = 0; c < n; c++) to_row[c] = row[2 * c];                  \
            else                                                                            \
                for (Py_ssize_t c = 0; c < n; c++) to_row[c] = *(const T *)((const char *)row + c * across); \
        }                                                                                   \
        return;                                                                             \
    }                                                                                       \
    for (Py_ssize_t c = done; c < n; c++)                                                   \
        for (Py_ssize_t r = 0; r < rows; r++)                                               \
            *(T *)(tile + r * RL_TILE_ROW(item) + c * item) = *(const T *)(from + r * down + c * across);

static void rl_gather(char *tile, const char *from, Py_ssize_t rows, Py_ssize_t down, Py_ssize_t n, Py_ssize_t across, Py_ssize_t item) {
    const Py_ssize_t to[2] = {RL_TILE_ROW(item), item}, steps[2] = {down, across};
    Py_ssize_t done = across > 0 && across < down ? 0 : n - n % 4;
    if (rows % 4 || rl_squares(tile, to, from, steps, rows, done, item) != rows) done = 0;
    if (item == 4) { RL_GATHER(uint32_t) } else if (item == 8) { RL_GATHER(uint64_t) } else { RL_GATHER(uint16_t) }
}

static void rl_broadcast_part(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_broadcast *b = (const rl_broadcast *)what;
    const int last = b->nd - 1;
    char tile_x[RL_TILE_ROW(2) * RL_BAND(2)], tile_y[RL_TILE_ROW(2) * RL_BAND(2)];
    const int one_x = b->sx[last] != 0, one_y = b->sy[last] != 0;
    for (Py_ssize_t task = begin; task < end; task++) {
        Py_ssize_t column = task % b->pieces * b->piece, row = task / b->pieces % b->bands * b->band;
        Py_ssize_t outer = task / b->pieces / b->bands;
        Py_ssize_t n = b->dims[last] - column < b->piece ? b->dims[last] - column : b->piece;
        Py_ssize_t rows = b->dims[last - 1] - row < b->band ? b->dims[last - 1] - row : b->band;
        Py_ssize_t down_x = b->sx[last - 1], down_y = b->sy[last - 1];
        const char *x = b->x + row * down_x + column * b->sx[last], *y = b->y + row * down_y + column * b->sy[last];
        char *out = b->out + row * b->so[last - 1] + column * b->so[last];
        for (int k = last - 2; k >= 0; k--) {
            Py_ssize_t i = outer % b->dims[k];
            outer /= b->dims[k];
            x += i * b->sx[k], y += i * b->sy[k], out += i * b->so[k];
        }
        if (b->gathers_x) {
            rl_gather(tile_x, x, rows, down_x, n, b->sx[last], b->item);
            x = tile_x, down_x = RL_TILE_ROW(b->item);
        }
        if (b->gathers_y) {
            rl_gather(tile_y, y, rows, down_y, n, b->sy[last], b->item);
            y = tile_y, down_y = RL_TILE_ROW(b->item);
        }
        for (Py_ssize_t r = 0; r < rows; r++, x += down_x, y += down_y, out += b->so[last - 1]) {
            if (b->half) rl_half_loop2(b->loop, b->half, b->number, b->truth, x, one_x, y, one_y, out, n);
            else b->loop(x, one_x, y, one_y, out, n);
        }
    }
}

#endif
