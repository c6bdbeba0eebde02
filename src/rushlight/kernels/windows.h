/* The loops of convolutions. A frame holds one sample with its padding, row by row, so that a window is known by where
   it begins, and an entry of it, a tap, by its distance from there. Neighbours in the result have windows that are, also
   with strides: then a frame has a plane for each remainder of a row or column by the stride. A shifted frame has one
   for each column of the kernel, of as many columns as the result, so that the next row's windows follow as well. */

#ifndef RL_WINDOWS_H
#define RL_WINDOWS_H

#include "families.h"

/* Products that are summed before they join a sum of sums, so that rounding does not grow with their number. */
#define RL_SUMMED 128
/* Taps of a line of windows that are met together: half of the first cache. A multiple of RL_SUMMED. */
#define RL_TAPS_TOGETHER 256
/* Windows that are weighed together: of four rows they fill half of the first cache. */
#define RL_BLOCK 1024

/* Places of a result, and rows and columns of a frame of which they are the first ones. */
typedef struct {
    Py_ssize_t od, oh, ow, fh, fw;
} rl_places;

/* Rows that follow one another in the frame as in the result are one row. */
static rl_places rl_joined(rl_places at) {
    for (int k = 0; k < 2 && at.fw == at.ow; k++) {
        at.ow *= at.oh;
        at.fw *= at.fh;
        at.oh = at.fh = at.od;
        at.od = 1;
    }
    return at;
}

/* Copy n bytes of which few may be: calling memcpy takes as long as copying a hundred. */
static inline void rl_copy_row(char *to, const char *from, Py_ssize_t n) {
    if (n > 256) memcpy(to, from, n);
    else if (n >= 32) {
        for (Py_ssize_t i = 0; i < n - 32; i += 32) memcpy(to + i, from + i, 32);
        memcpy(to + n - 32, from + n - 32, 32);
    }
    else if (n >= 16) {
        memcpy(to, from, 16);
        memcpy(to + n - 16, from + n - 16, 16);
    }
    else for (Py_ssize_t i = 0; i < n; i += 4) memcpy(to + i, from + i, 4);
}

/* to (4, 4) = the transpose of from (4, 4), of rows that are some numbers apart. */
static inline void rl_transpose_f4(const float *from, Py_ssize_t apart, float *to, Py_ssize_t to_apart) {
#ifdef RL_SHUFFLES
    rl_f4_16 a, b, c, d, x, y;
    memcpy(&a, from, sizeof a);
    memcpy(&b, from + apart, sizeof b);
    memcpy(&c, from + 2 * apart, sizeof c);
    memcpy(&d, from + 3 * apart, sizeof d);
    x = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    y = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    a = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    c = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    b = __builtin_shufflevector(x, y, 0, 1, 4, 5);
    memcpy(to, &b, sizeof b);
    b = __builtin_shufflevector(x, y, 2, 3, 6, 7);
    memcpy(to + to_apart, &b, sizeof b);
    b = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    memcpy(to + 2 * to_apart, &b, sizeof b);
    b = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    memcpy(to + 3 * to_apart, &b, sizeof b);
#else
    for (Py_ssize_t i = 0; i < 4; i++)
        for (Py_ssize_t j = 0; j < 4; j++) to[i * to_apart + j] = from[j * apart + i];
#endif
}
static inline void rl_transpose_f8(const double *from, Py_ssize_t apart, double *to, Py_ssize_t to_apart) {
    for (Py_ssize_t i = 0; i < 4; i++)
        for (Py_ssize_t j = 0; j < 4; j++) to[i * to_apart + j] = from[j * apart + i];
}

/* to (columns, W) = so many channels of a row of numbers that are `step` apart, in lines of channels. */
#define LINE_UP(NAME, T, TRANSPOSE)                                                                            \
    static void NAME(const T *from, Py_ssize_t apart, Py_ssize_t step, T *to, Py_ssize_t columns,              \
                     Py_ssize_t channels) {                                                                    \
        const Py_ssize_t W = RL_W(T);                                                                          \
        Py_ssize_t c = 0, q;                                                                                   \
        for (; c + 4 <= channels && step == 1; c += 4) {                                                       \
            for (q = 0; q + 4 <= columns; q += 4) TRANSPOSE(from + c * apart + q, apart, to + q * W + c, W);   \
            for (; q < columns; q++)                                                                           \
                for (Py_ssize_t i = c; i < c + 4; i++) to[q * W + i] = from[i * apart + q];                    \
        }                                                                                                      \
        for (q = 0; q < columns; q++)                                                                          \
            for (Py_ssize_t i = c; i < channels; i++) to[q * W + i] = from[i * apart + q * step];              \
    }
LINE_UP(rl_line_up_f4, float, rl_transpose_f4)
LINE_UP(rl_line_up_f8, double, rl_transpose_f8)

/* Copy n numbers that are `step` apart; the compiler makes vectors of pairs. */
#define COPY_STEPS(NAME, T)                                                                                    \
    static inline void NAME(T *restrict to, const T *restrict from, Py_ssize_t step, Py_ssize_t n) {           \
        if (step == 2) for (Py_ssize_t i = 0; i < n; i++) to[i] = from[2 * i];                                 \
        else for (Py_ssize_t i = 0; i < n; i++) to[i] = from[step * i];                                        \
    }
COPY_STEPS(rl_copy_steps_f4, float)
COPY_STEPS(rl_copy_steps_f8, double)

#define RL_ADD_TO(SUMS, X)                                                                                     \
    memcpy(&u, SUMS, sizeof(u));                                                                               \
    u += X;                                                                                                    \
    memcpy(SUMS, &u, sizeof(u));

/* sums (ROWS, W) += the products of ROWS rows of a, `apart` numbers apart, with lines of W numbers of b: where `offsets`
   say, or, without them, `runs` times `run` lines, each `skip` numbers after the one before. Rows beyond the last are the
   last again. Eight registers hold sums: of eight rows and one vector each, or of four rows and two (or one). */
#define OUTER(NAME, TARGET, T, V, ROWS, VECTORS)                                                               \
    TARGET RL_INLINE void NAME(const T *a, Py_ssize_t apart, Py_ssize_t last, const T *b,                      \
                               const Py_ssize_t *offsets, Py_ssize_t skip, Py_ssize_t runs, Py_ssize_t run,    \
                               T *sums) {                                                                      \
        const Py_ssize_t W = RL_W(T), N = sizeof(V) / sizeof(T);                                               \
        const T *r0 = a, *r1 = last > 0 ? r0 + apart : r0, *r2 = last > 1 ? r1 + apart : r1;                   \
        const T *r3 = last > 2 ? r2 + apart : r2, *r4 = r0, *r5 = r1, *r6 = r2, *r7 = r3;                      \
        if (ROWS == 8) {                                                                                       \
            r4 = last > 3 ? r3 + apart : r3, r5 = last > 4 ? r4 + apart : r4;                                  \
            r6 = last > 5 ? r5 + apart : r5, r7 = last > 6 ? r6 + apart : r6;                                  \
        }                                                                                                      \
        for (Py_ssize_t part = 0; part < W; part += N * VECTORS) {                                             \
            V x0 = {0}, x1 = {0}, x2 = {0}, x3 = {0}, x4 = {0}, x5 = {0}, x6 = {0}, x7 = {0}, u, v;            \
            Py_ssize_t q = 0;                                                                                  \
            for (Py_ssize_t i = 0; i < runs; i++) {                                                            \
                const T *next = b + i * skip + part, *from;                                                    \
                for (const Py_ssize_t end = q + run; q < end; q++, next += W) {                                \
                    from = offsets ? b + offsets[q] + part : next;                                             \
                    memcpy(&u, from, sizeof(V));                                                               \
                    v = u;                                                                                     \
                    if (VECTORS == 2) memcpy(&v, from + N, sizeof(V));                                         \
                    x0 += r0[q] * u;                                                                           \
                    x1 += r1[q] * u;                                                                           \
                    x2 += r2[q] * u;                                                                           \
                    x3 += r3[q] * u;                                                                           \
                    if (ROWS * VECTORS < 8) continue;                                                          \
                    x4 += r4[q] * v;                                                                           \
                    x5 += r5[q] * v;                                                                           \
                    x6 += r6[q] * v;                                                                           \
                    x7 += r7[q] * v;                                                                           \
                }                                                                                              \
            }                                                                                                  \
            T *to = sums + part, *more = ROWS == 8 ? to + 4 * W : to + N;                                      \
            RL_ADD_TO(to, x0)                                                                                  \
            RL_ADD_TO(to + W, x1)                                                                              \
            RL_ADD_TO(to + 2 * W, x2)                                                                          \
            RL_ADD_TO(to + 3 * W, x3)                                                                          \
            if (ROWS * VECTORS < 8) continue;                                                                  \
            RL_ADD_TO(more, x4)                                                                                \
            RL_ADD_TO(more + W, x5)                                                                            \
            RL_ADD_TO(more + 2 * W, x6)                                                                        \
            RL_ADD_TO(more + 3 * W, x7)                                                                        \
        }                                                                                                      \
    }

/* out (rows, places) = weight (rows, taps) @ the windows of the frame, plus a bias for each row, for the lines from begin
   to end, of which `firsts` are the first places. Windows of a line lie within W numbers of the frame. `sums` has room
   for a line for each row and 8 more. Behind the frame there are W numbers to read. */
#define CORRELATE(NAME, TARGET, T, V, ROWS, TALL, SHORT)                                                       \
    TARGET static void NAME(const void *weights, const void *biases, const void *frames,                       \
                            const Py_ssize_t *offsets, const Py_ssize_t *firsts, const rl_places *at,          \
                            void *room, void *result, Py_ssize_t rows, Py_ssize_t taps, Py_ssize_t begin,      \
                            Py_ssize_t end) {                                                                  \
        const T *weight = weights, *bias = biases, *frame = frames;                                            \
        const Py_ssize_t W = RL_W(T), N = sizeof(V) / sizeof(T), count = at->od * at->oh * at->ow;             \
        T *out = result, *sums = room;                                                                         \
        Py_ssize_t from[RL_W(T)], place[RL_W(T) + 1], cuts, i, k, p, q;                                        \
        V u;                                                                                                   \
        for (Py_ssize_t j = begin; j < end; j++) {                                                             \
            /* The pieces of rows that the line has: where they begin in the frame and in the result. */       \
            for (q = firsts[j], cuts = 0; q < firsts[j + 1]; cuts++) {                                         \
                const Py_ssize_t y = q / at->ow, x = q % at->ow;                                               \
                from[cuts] = (y / at->oh * at->fh + y % at->oh) * at->fw + x;                                  \
                place[cuts] = q;                                                                               \
                q += at->ow - x;                                                                               \
            }                                                                                                  \
            place[cuts] = firsts[j + 1];                                                                       \
            for (i = 0; i < rows; i++) {                                                                       \
                const V none = {0};                                                                            \
                u = bias ? none + bias[i] : none;                                                              \
                for (q = 0; q < W; q += N) memcpy(sums + i * W + q, &u, sizeof(V));                            \
            }                                                                                                  \
            for (Py_ssize_t first = 0; first < taps; first += RL_TAPS_TOGETHER) {                              \
                const Py_ssize_t past = taps - first < RL_TAPS_TOGETHER ? taps : first + RL_TAPS_TOGETHER;     \
                for (i = 0; i < rows; i += ROWS == 8 && rows - i > 4 ? 8 : 4)                                  \
                    for (p = first; p < past; p += RL_SUMMED) {                                                \
                        const Py_ssize_t n = past - p < RL_SUMMED ? past - p : RL_SUMMED, last = rows - i - 1; \
                        const T *a = weight + i * taps + p, *b = frame + *from;                                \
                        if (ROWS == 8 && last > 3) TALL(a, taps, last, b, offsets + p, 0, 1, n, sums + i * W); \
                        else SHORT(a, taps, last, b, offsets + p, 0, 1, n, sums + i * W);                      \
                    }                                                                                          \
            }                                                                                                  \
            for (k = 0; k < cuts; k++) {                                                                       \
                const T *piece = sums + from[k] - *from;                                                       \
                T *to = out + place[k];                                                                        \
                /* What follows a piece is written over by the next, unless another thread writes it. */        \
                if (place[k] + W <= firsts[end])                                                               \
                    for (i = 0; i < rows; i++) memcpy(to + i * count, piece + i * W, W * sizeof(T));           \
                else                                                                                           \
                    for (i = 0; i < rows; i++)                                                                 \
                        memcpy(to + i * count, piece + i * W, (place[k + 1] - place[k]) * sizeof(T));          \
            }                                                                                                  \
        }                                                                                                      \
    }

/* out (length) = weight (taps) @ the windows that begin anywhere from begin to end, those that reach over the end of a
   row with the others. */
#define CORRELATE_ROW(NAME, TARGET, T, V)                                                                      \
    TARGET static void NAME(const void *weights, const void *biases, const void *frames,                       \
                            const Py_ssize_t *offsets, void *result, Py_ssize_t taps, Py_ssize_t begin,        \
                            Py_ssize_t end) {                                                                  \
        const T *weight = weights, *bias = biases, *frame = frames;                                            \
        T *out = result;                                                                                       \
        const Py_ssize_t N = sizeof(V) / sizeof(T);                                                            \
        for (Py_ssize_t j = begin; j < end; j += N) {                                                          \
            V x = {0}, u;                                                                                      \
            if (bias) x += bias[0];                                                                            \
            for (Py_ssize_t first = 0; first < taps; first += RL_SUMMED) {                                     \
                Py_ssize_t past = taps - first < RL_SUMMED ? taps : first + RL_SUMMED;                         \
                V part = {0};                                                                                  \
                for (Py_ssize_t p = first; p < past; p++) {                                                    \
                    memcpy(&u, frame + offsets[p] + j, sizeof(V));                                             \
                    part += weight[p] * u;                                                                     \
                }                                                                                              \
                x += part;                                                                                     \
            }                                                                                                  \
            memcpy(out + j, &x, sizeof(V));                                                                    \
        }                                                                                                      \
    }

/* sums (taps, 8, W) += the sum over samples and places of what up to eight rows of y, `apart` numbers apart, have for the
   place times lines of W channels: the taps of its window, in frames that have such a line for each number. */
#define WEIGH_CHANNELS(NAME, TARGET, T, V, ROWS, TALL, SHORT)                                                  \
    TARGET static void NAME(const void *all, Py_ssize_t frame, const void *ys, Py_ssize_t sheet,               \
                            Py_ssize_t apart, Py_ssize_t rows, const Py_ssize_t *offsets,                      \
                            Py_ssize_t taps, const rl_places *places, Py_ssize_t samples, void *totals) {      \
        const T *frames = all, *y = ys;                                                                        \
        T *sums = totals;                                                                                      \
        const rl_places at = rl_joined(*places);                                                               \
        const Py_ssize_t W = RL_W(T), skip = at.fw * W, high = at.ow < RL_SUMMED ? RL_SUMMED / at.ow : 1;      \
        for (Py_ssize_t s = 0; s < samples; s++)                                                               \
        for (Py_ssize_t z = 0; z < at.od; z++)                                                                 \
        for (Py_ssize_t r = 0; r < at.oh; r += high)                                                           \
        for (Py_ssize_t x = 0; x < at.ow; x += RL_SUMMED) {                                                    \
            const Py_ssize_t run = at.ow - x < RL_SUMMED ? at.ow - x : RL_SUMMED;                              \
            const Py_ssize_t runs = at.oh - r < high ? at.oh - r : high;                                       \
            const T *a = y + s * sheet + (z * at.oh + r) * at.ow + x;                                          \
            const T *b = frames + s * frame + ((z * at.fh + r) * at.fw + x) * W;                               \
            for (Py_ssize_t p = 0; p < taps; p++)                                                              \
                for (Py_ssize_t i = 0; i < rows; i += ROWS) {                                                  \
                    const T *rest = a + i * apart, *line = b + offsets[p] * W;                                 \
                    T *to = sums + (p * 8 + i) * W;                                                            \
                    if (ROWS == 8 && rows > 4) TALL(rest, apart, rows - 1, line, NULL, skip, runs, run, to);   \
                    else SHORT(rest, apart, rows - i - 1, line, NULL, skip, runs, run, to);                    \
                }                                                                                              \
        }                                                                                                      \
    }

/* total (rows, taps) += the sum over samples and windows of what a sheet (rows, length) has for the window times its
   taps. Sheets and frames go on `sheet` and `frame` numbers later for the next sample. Of as many windows as RL_BLOCK
   the rows and taps stay in the caches meanwhile. */
#define WEIGH(NAME, TARGET, T, V)                                                                              \
    TARGET static void NAME(const void *all, Py_ssize_t frame, const void *ys, Py_ssize_t sheet,               \
                            const Py_ssize_t *offsets, void *totals, Py_ssize_t rows, Py_ssize_t taps,         \
                            Py_ssize_t length, Py_ssize_t samples) {                                           \
        const T *frames = all, *sheets = ys;                                                                   \
        T *total = totals;                                                                                     \
        const Py_ssize_t N = sizeof(V) / sizeof(T), whole = length / N * N;                                    \
        for (Py_ssize_t begin = 0; begin < whole; begin += RL_BLOCK)                                           \
        for (Py_ssize_t i = 0; i < rows; i += 4) {                                                             \
            Py_ssize_t end = whole - begin < RL_BLOCK ? whole : begin + RL_BLOCK;                              \
            Py_ssize_t last = rows - 1 - i, i1 = last < 1 ? last : 1, i2 = last < 2 ? last : 2;                \
            Py_ssize_t i3 = last < 3 ? last : 3;                                                               \
            for (Py_ssize_t p = 0; p < taps; p += 2) {                                                         \
                Py_ssize_t p1 = p + 1 < taps ? p + 1 : p;                                                      \
                V sums[8] = {{0}}, u, v, w;                                                                    \
                for (Py_ssize_t s = 0; s < samples; s++) {                                                     \
                    const T *a = frames + s * frame + offsets[p], *b = frames + s * frame + offsets[p1];       \
                    const T *d = sheets + s * sheet + i * length;                                              \
                    const T *e = d + i1 * length, *f = d + i2 * length, *g = d + i3 * length;                  \
                    for (Py_ssize_t first = begin; first < end; first += RL_SUMMED * N) {                      \
                        Py_ssize_t past = end - first < RL_SUMMED * N ? end : first + RL_SUMMED * N;           \
                        V x0 = {0}, x1 = {0}, x2 = {0}, x3 = {0}, y0 = {0}, y1 = {0}, y2 = {0}, y3 = {0};      \
                        for (Py_ssize_t q = first; q < past; q += N) {                                         \
                            memcpy(&u, a + q, sizeof(V));                                                      \
                            memcpy(&v, b + q, sizeof(V));                                                      \
                            memcpy(&w, d + q, sizeof(V));                                                      \
                            x0 += u * w;                                                                       \
                            y0 += v * w;                                                                       \
                            memcpy(&w, e + q, sizeof(V));                                                      \
                            x1 += u * w;                                                                       \
                            y1 += v * w;                                                                       \
                            memcpy(&w, f + q, sizeof(V));                                                      \
                            x2 += u * w;                                                                       \
                            y2 += v * w;                                                                       \
                            memcpy(&w, g + q, sizeof(V));                                                      \
                            x3 += u * w;                                                                       \
                            y3 += v * w;                                                                       \
                        }                                                                                      \
                        sums[0] += x0; sums[1] += x1; sums[2] += x2; sums[3] += x3;                            \
                        sums[4] += y0; sums[5] += y1; sums[6] += y2; sums[7] += y3;                            \
                    }                                                                                          \
                }                                                                                              \
                for (Py_ssize_t r = 0; r < 8; r++) {                                                           \
                    if ((r & 3) > last || (r > 3 && p1 == p)) continue;                                        \
                    T *lanes = (T *)(sums + r);                                                                \
                    for (Py_ssize_t half = N / 2; half > 0; half /= 2)                                         \
                        for (Py_ssize_t q = 0; q < half; q++) lanes[q] += lanes[q + half];                     \
                    total[(i + (r & 3)) * taps + p + (r > 3)] += lanes[0];                                     \
                }                                                                                              \
            }                                                                                                  \
        }                                                                                                      \
        for (Py_ssize_t i = 0; i < rows && whole < length; i++)                                                \
            for (Py_ssize_t p = 0; p < taps; p++) {                                                            \
                T rest = 0;                                                                                    \
                for (Py_ssize_t s = 0; s < samples; s++) {                                                     \
                    const T *a = frames + s * frame + offsets[p], *d = sheets + s * sheet + i * length;        \
                    for (Py_ssize_t q = whole; q < length; q++) rest += a[q] * d[q];                           \
                }                                                                                              \
                total[i * taps + p] += rest;                                                                   \
            }                                                                                                  \
    }

#define RL_WINDOW_LOOPS(KIND, TARGET, T, V, ROWS, VECTORS)                                                     \
    OUTER(rl_outer_tall_##KIND, TARGET, T, V, 8, 1)                                                            \
    OUTER(rl_outer_short_##KIND, TARGET, T, V, 4, VECTORS)                                                     \
    CORRELATE(rl_correlate_##KIND, TARGET, T, V, ROWS, rl_outer_tall_##KIND, rl_outer_short_##KIND)            \
    CORRELATE_ROW(rl_correlate_row_##KIND, TARGET, T, V)                                                       \
    WEIGH_CHANNELS(rl_weigh_channels_##KIND, TARGET, T, V, ROWS, rl_outer_tall_##KIND, rl_outer_short_##KIND)  \
    WEIGH(rl_weigh_##KIND, TARGET, T, V)

typedef struct {
    void (*correlate)(const void *weight, const void *bias, const void *frame, const Py_ssize_t *offsets,
                      const Py_ssize_t *firsts, const rl_places *at, void *sums, void *out, Py_ssize_t rows,
                      Py_ssize_t taps, Py_ssize_t begin, Py_ssize_t end);
    void (*correlate_row)(const void *weight, const void *bias, const void *frame, const Py_ssize_t *offsets,
                          void *out, Py_ssize_t taps, Py_ssize_t begin, Py_ssize_t end);
    void (*weigh_channels)(const void *frames, Py_ssize_t frame, const void *y, Py_ssize_t sheet, Py_ssize_t apart,
                           Py_ssize_t rows, const Py_ssize_t *offsets, Py_ssize_t taps, const rl_places *places,
                           Py_ssize_t samples, void *sums);
    void (*weigh)(const void *frames, Py_ssize_t frame, const void *sheets, Py_ssize_t sheet,
                  const Py_ssize_t *offsets, void *total, Py_ssize_t rows, Py_ssize_t taps, Py_ssize_t length,
                  Py_ssize_t samples);
} rl_window_loops;
#define RL_LOOPS(KIND) {rl_correlate_##KIND, rl_correlate_row_##KIND, rl_weigh_channels_##KIND, rl_weigh_##KIND}

RL_WINDOW_LOOPS(f4, , float, rl_f4_16, 4, 2)
RL_WINDOW_LOOPS(f8, , double, rl_f8_16, 4, 2)
#ifdef RL_V4
RL_WINDOW_LOOPS(f4_v3, RL_V3, float, rl_f4_32, 4, 2)
RL_WINDOW_LOOPS(f8_v3, RL_V3, double, rl_f8_32, 4, 2)
RL_WINDOW_LOOPS(f4_v4, RL_V4, float, rl_f4, 8, 1)
RL_WINDOW_LOOPS(f8_v4, RL_V4, double, rl_f8, 8, 1)
static const rl_window_loops rl_windows_f4[] = {RL_LOOPS(f4), RL_LOOPS(f4_v3), RL_LOOPS(f4_v4)};
static const rl_window_loops rl_windows_f8[] = {RL_LOOPS(f8), RL_LOOPS(f8_v3), RL_LOOPS(f8_v4)};
#else
static const rl_window_loops rl_windows_f4[] = {RL_LOOPS(f4)}, rl_windows_f8[] = {RL_LOOPS(f8)};
#endif

#endif
