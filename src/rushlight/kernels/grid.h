/* Reading images and volumes at the points of a grid. Points are taken in blocks: first the neighbours of each and their
   weights, then, plane by plane, the sums. Images are volumes of depth one. */

#ifndef RL_GRID_H
#define RL_GRID_H

#include <math.h>
#include <string.h>
#include "lanes.h"

/* Points in a block, and neighbours of a point along one dimension and in all (8 in a volume, 16 with cubics). */
#define RL_POINTS 64
#define RL_NEAR 4
#define RL_ALL 16

enum { RL_BILINEAR, RL_NEAREST, RL_BICUBIC };
enum { RL_ZEROS, RL_BORDER, RL_REFLECTION };

typedef struct {
    int d, mode, outside, aligned;
    Py_ssize_t n, channels, points;  /* samples, channels, points of a sample */
    Py_ssize_t size[3];              /* of the input, the last dimension first */
    const void *x, *grid, *g;
    void *out, *gx, *ggrid;
} rl_sampling;

#define GRIDS(S, T)                                                                                            \
    typedef struct {                                                                                           \
        int offset[RL_ALL][RL_POINTS], counts[RL_ALL][RL_POINTS], whole, taps;                                 \
        T weight[RL_ALL][RL_POINTS], slope[3][RL_ALL][RL_POINTS];                                              \
    } rl_near_##S;                                                                                             \
    /* The neighbours of points along one dimension. */                                                        \
    typedef struct {                                                                                           \
        int at[RL_NEAR][RL_POINTS], in[RL_NEAR][RL_POINTS];                                                    \
        T weight[RL_NEAR][RL_POINTS], slope[RL_NEAR][RL_POINTS];                                               \
    } rl_line_##S;                                                                                             \
    /* Places among n elements brought inside; turn is how they move with what they were. */                   \
    RL_INLINE void rl_inside_##S(const rl_sampling *s, T n, int count, T *place, T *turn) {                    \
        const T low = s->aligned ? 0 : (T)-0.5, span = s->aligned ? n - 1 : n;                                 \
        if (s->outside == RL_ZEROS) return;                                                                    \
        if (s->outside == RL_REFLECTION) for (int p = 0; p < count; p++) {                                     \
            T away = place[p] - low, sign = away < 0 ? -1 : 1, size = away < 0 ? -away : away;                 \
            T turns = (T)floor(size / span), rest = size - turns * span, half = turns / 2;                     \
            int even = half == (T)floor(half);                                                                 \
            place[p] = span == 0 ? 0 : even ? rest + low : span - rest + low;                                  \
            turn[p] *= span == 0 ? 0 : even ? sign : -sign;                                                    \
        }                                                                                                      \
        for (int p = 0; p < count; p++) {                                                                      \
            T at = place[p];                                                                                   \
            turn[p] = at < 0 || at > n - 1 ? 0 : turn[p];                                                      \
            at = at < 0 ? 0 : at;                                                                              \
            place[p] = at > n - 1 ? n - 1 : at;                                                                \
        }                                                                                                      \
    }                                                                                                          \
    /* Keys' cubic at the four distances of a place from its neighbours, and how it moves with the place. */   \
    RL_INLINE void rl_cubic_##S(T t, T turn, int p, rl_line_##S *line) {                                       \
        const T a = (T)-0.75;                                                                                  \
        T far = t + 1, near = t, back = 1 - t, last = 2 - t;                                                   \
        line->weight[0][p] = ((a * far - 5 * a) * far + 8 * a) * far - 4 * a;                                  \
        line->weight[1][p] = ((a + 2) * near - (a + 3)) * near * near + 1;                                     \
        line->weight[2][p] = ((a + 2) * back - (a + 3)) * back * back + 1;                                     \
        line->weight[3][p] = ((a * last - 5 * a) * last + 8 * a) * last - 4 * a;                               \
        line->slope[0][p] = turn * ((3 * a * far - 10 * a) * far + 8 * a);                                     \
        line->slope[1][p] = turn * ((3 * (a + 2) * near - 2 * (a + 3)) * near);                                \
        line->slope[2][p] = -turn * ((3 * (a + 2) * back - 2 * (a + 3)) * back);                               \
        line->slope[3][p] = -turn * ((3 * a * last - 10 * a) * last + 8 * a);                                  \
    }                                                                                                          \
    RL_TWO_CLONES static void rl_along_##S(const rl_sampling *s, int axis, const T *grid, int count, rl_line_##S *line) {\
        int d = s->d, near = s->mode == RL_NEAREST ? 1 : s->mode == RL_BILINEAR ? 2 : 4, p, k;                 \
        T n = (T)s->size[axis], scale = s->aligned ? (n - 1) / 2 : n / 2, place[RL_POINTS], turn[RL_POINTS];   \
        T index[RL_NEAR][RL_POINTS];                                                                           \
        for (p = 0; p < count; p++) {                                                                          \
            T at = grid[p * d + axis] + 1;                                                                     \
            place[p] = s->aligned ? at * scale : (at * n - 1) / 2;                                             \
            turn[p] = place[p] == place[p] ? scale : place[p];                                                 \
        }                                                                                                      \
        if (s->mode != RL_BICUBIC) rl_inside_##S(s, n, count, place, turn);                                    \
        if (s->mode == RL_NEAREST) for (p = 0; p < count; p++) {                                               \
            index[0][p] = (T)nearbyint(place[p]);                                                              \
            line->weight[0][p] = place[p] * 0 + 1;                                                             \
            line->slope[0][p] = 0;                                                                             \
        } else if (s->mode == RL_BILINEAR) for (p = 0; p < count; p++) {                                       \
            T low = (T)floor(place[p]), part = place[p] - low;                                                 \
            index[0][p] = low, index[1][p] = low + 1;                                                          \
            line->weight[0][p] = 1 - part, line->weight[1][p] = part;                                          \
            line->slope[0][p] = -turn[p], line->slope[1][p] = turn[p];                                         \
        } else for (p = 0; p < count; p++) {                                                                   \
            T low = (T)floor(place[p]);                                                                        \
            rl_cubic_##S(place[p] - low, turn[p], p, line);                                                    \
            for (k = 0; k < 4; k++) index[k][p] = low - 1 + k;                                                 \
        }                                                                                                      \
        for (k = 0; k < near; k++) {                                                                           \
            if (s->mode == RL_BICUBIC) rl_inside_##S(s, n, count, index[k], turn);                             \
            for (p = 0; p < count; p++) {                                                                      \
                T at = index[k][p];                                                                            \
                /* That of a nan counts, so that its weight, which is nan, is seen. */                         \
                line->in[k][p] = !(at < 0) & !(at >= n);                                                       \
                line->at[k][p] = ((at >= 0) & (at < n)) ? (int)at : 0;                                         \
            }                                                                                                  \
        }                                                                                                      \
    }                                                                                                          \
    /* The neighbours of `count` points of the grid, with slopes where a gradient of the grid is wanted. */    \
    RL_TWO_CLONES static void rl_meet_##S(const rl_sampling *s, const T *grid, int count, int slopes, rl_near_##S *near) {\
        int d = s->d, each = s->mode == RL_NEAREST ? 1 : s->mode == RL_BILINEAR ? 2 : 4, deep = d == 3 ? each : 1;\
        int width = (int)s->size[0], area = (int)(s->size[0] * s->size[1]), tap = 0, missing = 0, p;           \
        rl_line_##S line[3];                                                                                   \
        for (int axis = 0; axis < d; axis++) rl_along_##S(s, axis, grid, count, &line[axis]);                  \
        for (int z = 0; z < deep; z++) for (int y = 0; y < each; y++) for (int x = 0; x < each; x++, tap++) {  \
            const T *wx = line[0].weight[x], *wy = line[1].weight[y], *wz = line[2].weight[z];                 \
            const T *sx = line[0].slope[x], *sy = line[1].slope[y], *sz = line[2].slope[z];                    \
            for (p = 0; p < count; p++) {                                                                      \
                near->counts[tap][p] = line[0].in[x][p] & line[1].in[y][p];                                    \
                near->offset[tap][p] = line[1].at[y][p] * width + line[0].at[x][p];                            \
                near->weight[tap][p] = wx[p] * wy[p];                                                          \
            }                                                                                                  \
            if (slopes) for (p = 0; p < count; p++) {                                                          \
                near->slope[0][tap][p] = sx[p] * wy[p];                                                        \
                near->slope[1][tap][p] = wx[p] * sy[p];                                                        \
            }                                                                                                  \
            if (slopes && d == 3) for (p = 0; p < count; p++) {                                                \
                near->slope[0][tap][p] *= wz[p], near->slope[1][tap][p] *= wz[p];                              \
                near->slope[2][tap][p] = near->weight[tap][p] * sz[p];                                         \
            }                                                                                                  \
            if (d == 3) for (p = 0; p < count; p++) {                                                          \
                near->counts[tap][p] &= line[2].in[z][p];                                                      \
                near->offset[tap][p] += line[2].at[z][p] * area;                                               \
                near->weight[tap][p] *= wz[p];                                                                 \
            }                                                                                                  \
            for (p = 0; p < count; p++) missing |= !near->counts[tap][p];                                      \
        }                                                                                                      \
        near->taps = tap;                                                                                      \
        near->whole = !missing;                                                                                \
    }                                                                                                          \
    RL_TWO_CLONES static void rl_read_##S(const rl_near_##S *near, int count, const T *x, T *out) {                \
        T sum[RL_POINTS];                                                                                      \
        for (int p = 0; p < count; p++) sum[p] = 0;                                                            \
        for (int tap = 0; tap < near->taps; tap++) {                                                           \
            const int *at = near->offset[tap];                                                                 \
            const T *w = near->weight[tap];                                                                    \
            const int *counts = near->counts[tap];                                                             \
            if (near->whole) for (int p = 0; p < count; p++) sum[p] += x[at[p]] * w[p];                        \
            else for (int p = 0; p < count; p++) { T part = x[at[p]] * w[p]; sum[p] += counts[p] ? part : 0; } \
        }                                                                                                      \
        for (int p = 0; p < count; p++) out[p] = sum[p];                                                       \
    }                                                                                                          \
    /* Blocks of points [begin, end) of all samples. */                                                        \
    static void rl_sample_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                                  \
        const rl_sampling *s = what;                                                                           \
        Py_ssize_t blocks = (s->points + RL_POINTS - 1) / RL_POINTS, plane = s->size[0] * s->size[1] * s->size[2]; \
        rl_near_##S near;                                                                                      \
        for (Py_ssize_t b = begin; b < end; b++) {                                                             \
            Py_ssize_t sample = b / blocks, first = b % blocks * RL_POINTS;                                    \
            int count = (int)(s->points - first < RL_POINTS ? s->points - first : RL_POINTS);                  \
            rl_meet_##S(s, (const T *)s->grid + (sample * s->points + first) * s->d, count, 0, &near);            \
            for (Py_ssize_t c = sample * s->channels; c < (sample + 1) * s->channels; c++)                     \
                rl_read_##S(&near, count, (const T *)s->x + c * plane, (T *)s->out + c * s->points + first);   \
        }                                                                                                      \
    }                                                                                                          \
    /* Samples [begin, end). */                                                                                \
    static void rl_through_sample_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                          \
        const rl_sampling *s = what;                                                                           \
        Py_ssize_t plane = s->size[0] * s->size[1] * s->size[2];                                               \
        rl_near_##S near;                                                                                      \
        T drawn[RL_ALL][RL_POINTS];                                                                            \
        for (Py_ssize_t sample = begin; sample < end; sample++)                                                \
            for (Py_ssize_t first = 0; first < s->points; first += RL_POINTS) {                                \
                int count = (int)(s->points - first < RL_POINTS ? s->points - first : RL_POINTS), tap, p;      \
                rl_meet_##S(s, (const T *)s->grid + (sample * s->points + first) * s->d, count, s->ggrid != NULL, &near);        \
                for (tap = 0; tap < near.taps; tap++) for (p = 0; p < count; p++) drawn[tap][p] = 0;           \
                for (Py_ssize_t c = sample * s->channels; c < (sample + 1) * s->channels; c++) {               \
                    const T *g = (const T *)s->g + c * s->points + first;                                      \
                    const T *x = (const T *)s->x + c * plane;                                                  \
                    T *gx = s->gx ? (T *)s->gx + c * plane : NULL;                                             \
                    for (tap = 0; tap < near.taps; tap++) {                                                    \
                        const int *at = near.offset[tap];                                                      \
                        const int *counts = near.counts[tap];                                                  \
                        const T *w = near.weight[tap];                                                         \
                        if (gx) for (p = 0; p < count; p++) if (counts[p] && w[p] == w[p]) gx[at[p]] += g[p] * w[p]; \
                        if (s->ggrid) for (p = 0; p < count; p++) drawn[tap][p] += counts[p] ? g[p] * x[at[p]] : 0; \
                    }                                                                                          \
                }                                                                                              \
                if (!s->ggrid) continue;                                                                       \
                T *to = (T *)s->ggrid + (sample * s->points + first) * s->d;                                   \
                for (p = 0; p < count; p++) for (int axis = 0; axis < s->d; axis++) {                          \
                    T sum = 0;                                                                                 \
                    for (tap = 0; tap < near.taps; tap++) sum += drawn[tap][p] * near.slope[axis][tap][p];     \
                    *to++ = sum;                                                                               \
                }                                                                                              \
            }                                                                                                  \
    }
GRIDS(f4, float)
GRIDS(f8, double)

#endif
