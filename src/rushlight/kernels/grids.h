/* Reading images and volumes at the points of a grid. Points are taken in blocks: first the neighbours of each and their
   weights, then, plane by plane, the sums. Images are volumes of depth one. */

#ifndef RL_GRIDS_H
#define RL_GRIDS_H

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
        int offset[RL_ALL][RL_POINTS], whole, taps;                                                            \
        unsigned char counts[RL_ALL][RL_POINTS];                                                               \
        T weight[RL_ALL][RL_POINTS], slope[3][RL_ALL][RL_POINTS];                                              \
    } rl_near_##S;                                                                                             \
    /* A place among n elements brought inside; *turn is how it moves with the place. */                       \
    static T rl_inside_##S(const rl_sampling *s, T at, Py_ssize_t n, T *turn) {                                \
        if (s->outside == RL_ZEROS) return at;                                                                 \
        if (s->outside == RL_REFLECTION) {                                                                     \
            T low = s->aligned ? 0 : (T)-0.5, span = s->aligned ? (T)(n - 1) : (T)n;                           \
            if (span == 0) { *turn = 0; return 0; }                                                            \
            T away = at - low, sign = away < 0 ? -1 : 1;                                                       \
            away = (T)fabs(away);                                                                              \
            T turns = (T)floor(away / span), rest = away - turns * span;                                       \
            int even = fmod(turns, 2) == 0;                                                                    \
            at = even ? rest + low : span - rest + low;                                                        \
            *turn *= even ? sign : -sign;                                                                      \
        }                                                                                                      \
        if (at < 0) { *turn = 0; return 0; }                                                                   \
        if (at > n - 1) { *turn = 0; return (T)(n - 1); }                                                      \
        return at;                                                                                             \
    }                                                                                                          \
    static void rl_cubic_##S(T t, T *w, T *s) {                                                                \
        const T a = (T)-0.75;                                                                                  \
        T far = t + 1, near = t, back = 1 - t, last = 2 - t;                                                   \
        w[0] = ((a * far - 5 * a) * far + 8 * a) * far - 4 * a;                                                \
        w[1] = ((a + 2) * near - (a + 3)) * near * near + 1;                                                   \
        w[2] = ((a + 2) * back - (a + 3)) * back * back + 1;                                                   \
        w[3] = ((a * last - 5 * a) * last + 8 * a) * last - 4 * a;                                             \
        s[0] = (3 * a * far - 10 * a) * far + 8 * a;                                                           \
        s[1] = (3 * (a + 2) * near - 2 * (a + 3)) * near;                                                      \
        s[2] = -(3 * (a + 2) * back - 2 * (a + 3)) * back;                                                     \
        s[3] = -((3 * a * last - 10 * a) * last + 8 * a);                                                      \
    }                                                                                                          \
    /* The neighbours of `count` points of the grid. */                                                        \
    static void rl_meet_##S(const rl_sampling *s, const T *grid, int count, rl_near_##S *near) {               \
        int d = s->d, k, axis, each = s->mode == RL_NEAREST ? 1 : s->mode == RL_BILINEAR ? 2 : 4;              \
        near->whole = 1;                                                                                       \
        near->taps = each * each * (d == 3 ? each : 1);                                                        \
        for (int p = 0; p < count; p++, grid += d) {                                                           \
            int at[3][RL_NEAR], in[3][RL_NEAR];                                                                \
            T w[3][RL_NEAR], slope[3][RL_NEAR];                                                                \
            for (axis = 0; axis < d; axis++) {                                                                 \
                Py_ssize_t n = s->size[axis];                                                                  \
                T turn = s->aligned ? (T)(n - 1) / 2 : (T)n / 2;                                               \
                T place = s->aligned ? (grid[axis] + 1) * ((T)(n - 1) / 2) : ((grid[axis] + 1) * n - 1) / 2;   \
                T index[RL_NEAR];                                                                              \
                if (s->mode != RL_BICUBIC) place = rl_inside_##S(s, place, n, &turn);                          \
                if (s->mode == RL_NEAREST) {                                                                   \
                    index[0] = (T)nearbyint(place);                                                            \
                    w[axis][0] = place * 0 + 1;                                                                \
                    slope[axis][0] = 0;                                                                        \
                } else {                                                                                       \
                    T low = (T)floor(place), part = place - low;                                               \
                    if (each == 2) {                                                                           \
                        index[0] = low; index[1] = low + 1;                                                    \
                        w[axis][0] = 1 - part; w[axis][1] = part;                                              \
                        slope[axis][0] = -turn; slope[axis][1] = turn;                                         \
                    } else {                                                                                   \
                        T unused = 1;                                                                          \
                        rl_cubic_##S(part, w[axis], slope[axis]);                                              \
                        for (k = 0; k < 4; k++) {                                                              \
                            index[k] = rl_inside_##S(s, low - 1 + k, n, &unused);                              \
                            slope[axis][k] *= turn;                                                            \
                        }                                                                                      \
                    }                                                                                          \
                }                                                                                              \
                for (k = 0; k < each; k++) {                                                                   \
                    in[axis][k] = index[k] >= 0 && index[k] < n;                                               \
                    at[axis][k] = in[axis][k] ? (int)index[k] : 0;                                             \
                }                                                                                              \
            }                                                                                                  \
            int tap = 0, deep = d == 3 ? each : 1;                                                             \
            for (int z = 0; z < deep; z++) for (int y = 0; y < each; y++) for (int x = 0; x < each; x++, tap++) { \
                int inside = in[0][x] && in[1][y] && (d < 3 || in[2][z]);                                      \
                T wx = w[0][x], wy = w[1][y], wz = d == 3 ? w[2][z] : 1;                                       \
                near->whole &= inside;                                                                         \
                near->counts[tap][p] = (unsigned char)inside;                                                  \
                near->offset[tap][p] = !inside ? 0                                                             \
                    : (int)(((d == 3 ? at[2][z] : 0) * s->size[1] + at[1][y]) * s->size[0] + at[0][x]);        \
                near->weight[tap][p] = wx * wy * wz;                                                           \
                near->slope[0][tap][p] = slope[0][x] * wy * wz;                                                \
                near->slope[1][tap][p] = wx * slope[1][y] * wz;                                                \
                if (d == 3) near->slope[2][tap][p] = wx * wy * slope[2][z];                                    \
            }                                                                                                  \
        }                                                                                                      \
    }                                                                                                          \
    RL_CLONES static void rl_read_##S(const rl_near_##S *near, int count, const T *x, T *out) {                \
        T sum[RL_POINTS];                                                                                      \
        for (int p = 0; p < count; p++) sum[p] = 0;                                                            \
        for (int tap = 0; tap < near->taps; tap++) {                                                           \
            const int *at = near->offset[tap];                                                                 \
            const T *w = near->weight[tap];                                                                    \
            const unsigned char *counts = near->counts[tap];                                                   \
            if (near->whole) for (int p = 0; p < count; p++) sum[p] += x[at[p]] * w[p];                        \
            else for (int p = 0; p < count; p++) sum[p] += counts[p] ? x[at[p]] * w[p] : 0;                    \
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
            rl_meet_##S(s, (const T *)s->grid + (sample * s->points + first) * s->d, count, &near);            \
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
                rl_meet_##S(s, (const T *)s->grid + (sample * s->points + first) * s->d, count, &near);        \
                for (tap = 0; tap < near.taps; tap++) for (p = 0; p < count; p++) drawn[tap][p] = 0;           \
                for (Py_ssize_t c = sample * s->channels; c < (sample + 1) * s->channels; c++) {               \
                    const T *g = (const T *)s->g + c * s->points + first;                                      \
                    const T *x = (const T *)s->x + c * plane;                                                  \
                    T *gx = s->gx ? (T *)s->gx + c * plane : NULL;                                             \
                    for (tap = 0; tap < near.taps; tap++) {                                                    \
                        const int *at = near.offset[tap];                                                      \
                        const unsigned char *counts = near.counts[tap];                                        \
                        if (gx) for (p = 0; p < count; p++) if (counts[p]) gx[at[p]] += g[p] * near.weight[tap][p]; \
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
