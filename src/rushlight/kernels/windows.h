/* The two loops of convolutions with stride 1. A frame holds one sample with its padding, row by row; a window is then
   known by where it begins in the frame, and an entry of it, a tap, by its distance from there. Windows are taken at
   every place from the first to the last, those that reach over the end of a row with the others: what these give is
   left out later. W windows are computed together. */

#ifndef RL_WINDOWS_H
#define RL_WINDOWS_H

#include "lanes.h"

/* Products that are summed before they join a sum of sums, so that rounding does not grow with their number. */
#define RL_SUMMED 32
/* Windows that are weighed together: of four rows they fill half of the first cache. A multiple of RL_SUMMED * W. */
#define RL_BLOCK 1024

/* out (rows, length) = weight (rows, taps) @ the windows of the frame, plus a bias for each row, for windows from begin to
   end. `packed` has room for W numbers of each tap. */
#define CORRELATE(NAME, T, V)                                                                                  \
    RL_CLONES static void NAME(const T *weight, const T *bias, const T *frame, const Py_ssize_t *offsets,      \
                               T *packed, T *out, Py_ssize_t rows, Py_ssize_t taps, Py_ssize_t length,         \
                               Py_ssize_t begin, Py_ssize_t end) {                                             \
        const Py_ssize_t W = RL_W(T);                                                                          \
        for (Py_ssize_t j = begin; rows == 1 && j < end; j += W) {                                             \
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
        for (Py_ssize_t j = begin; rows > 1 && j < end; j += W) {                                              \
            for (Py_ssize_t p = 0; p < taps; p++) memcpy(packed + p * W, frame + offsets[p] + j, sizeof(V));   \
            for (Py_ssize_t i = 0; i < rows; i += 4) {                                                         \
                /* Rows beyond the last are the last again. */                                                 \
                Py_ssize_t last = rows - 1 - i, i1 = last < 1 ? last : 1, i2 = last < 2 ? last : 2;            \
                Py_ssize_t i3 = last < 3 ? last : 3;                                                           \
                const T *d = weight + i * taps, *e = d + i1 * taps, *f = d + i2 * taps, *g = d + i3 * taps;    \
                T *to = out + i * length + j;                                                                  \
                V x = {0}, y = {0}, z = {0}, t = {0}, u;                                                       \
                if (bias) {                                                                                    \
                    x += bias[i];                                                                              \
                    y += bias[i + i1];                                                                         \
                    z += bias[i + i2];                                                                         \
                    t += bias[i + i3];                                                                         \
                }                                                                                              \
                for (Py_ssize_t first = 0; first < taps; first += RL_SUMMED) {                                 \
                    Py_ssize_t past = taps - first < RL_SUMMED ? taps : first + RL_SUMMED;                     \
                    V dx = {0}, ey = {0}, fz = {0}, gt = {0};                                                  \
                    for (Py_ssize_t p = first; p < past; p++) {                                                \
                        memcpy(&u, packed + p * W, sizeof(V));                                                 \
                        dx += d[p] * u;                                                                        \
                        ey += e[p] * u;                                                                        \
                        fz += f[p] * u;                                                                        \
                        gt += g[p] * u;                                                                        \
                    }                                                                                          \
                    x += dx;                                                                                   \
                    y += ey;                                                                                   \
                    z += fz;                                                                                   \
                    t += gt;                                                                                   \
                }                                                                                              \
                memcpy(to, &x, sizeof(V));                                                                     \
                memcpy(to + i1 * length, &y, sizeof(V));                                                       \
                memcpy(to + i2 * length, &z, sizeof(V));                                                       \
                memcpy(to + i3 * length, &t, sizeof(V));                                                       \
            }                                                                                                  \
        }                                                                                                      \
    }
CORRELATE(rl_correlate_f4, float, rl_f4)
CORRELATE(rl_correlate_f8, double, rl_f8)

/* total (rows, taps) += the sum over samples and windows of what a sheet (rows, length) has for the window times its
   taps. Sheets and frames go on `sheet` and `frame` numbers later for the next sample. Of as many windows as RL_BLOCK
   the rows and taps stay in the caches meanwhile. */
#define WEIGH(NAME, T, V)                                                                                      \
    RL_CLONES static void NAME(const T *frames, Py_ssize_t frame, const T *sheets, Py_ssize_t sheet,           \
                               const Py_ssize_t *offsets, T *total, Py_ssize_t rows, Py_ssize_t taps,          \
                               Py_ssize_t length, Py_ssize_t samples) {                                        \
        const Py_ssize_t W = RL_W(T), whole = length / W * W;                                                  \
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
                    for (Py_ssize_t first = begin; first < end; first += RL_SUMMED * W) {                      \
                        Py_ssize_t past = end - first < RL_SUMMED * W ? end : first + RL_SUMMED * W;           \
                        V x0 = {0}, x1 = {0}, x2 = {0}, x3 = {0}, y0 = {0}, y1 = {0}, y2 = {0}, y3 = {0};      \
                        for (Py_ssize_t q = first; q < past; q += W) {                                         \
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
                    for (Py_ssize_t half = W / 2; half > 0; half /= 2)                                         \
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
WEIGH(rl_weigh_f4, float, rl_f4)
WEIGH(rl_weigh_f8, double, rl_f8)

#endif
