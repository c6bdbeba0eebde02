/* softmax(factor * q @ k.T + mask) @ v and its gradients, a block of queries against a tile of keys at a time, so that no
   more than a tile of the weights is in memory at once. Scores are kept turned round, a row for each key and a column for
   each query: what belongs to the queries (the largest score, the sum) is then a vector, and K and V are read as they are.

   Milakov and Gimelshein, Online normalizer calculation for softmax, 2018; Dao et al., FlashAttention, 2022. */

#ifndef RL_ATTENTION_H
#define RL_ATTENTION_H

#include <stdlib.h>

#include "softmax.h"
#include "squares.h"
#include "tiles.h"

#define RL_QUERIES 64
#define RL_KEYS 64

/* Where each head of an array begins, in bytes, and how many numbers lie between its rows. */
typedef struct {
    char *data;
    const Py_ssize_t *heads;
    Py_ssize_t row;
} rl_rows_of;

/* Arrays that are not there have no data. The mask has its steps in bytes; `truths` says that it is of truth values. */
typedef struct {
    rl_rows_of q, k, v, g, out, gq, gk, gv, mask;
    Py_ssize_t mask_column;
    void *lse;
    const void *glse;
    Py_ssize_t heads, length, places, size, width, chunk;
    double factor;
    int causal, truths, failed;
} rl_attention;

#define RL_HEAD(T, ARRAY, H) ((T *)((ARRAY).data + (ARRAY).heads[H]))
#define RL_MOST(A, B) ((A) > (B) ? (A) : (B))
#define RL_WHOLE(N, W) (((N) + (W) - 1) / (W) * (W))
/* How many queries are taken together. */
#define RL_BLOCK(JOB, T) RL_LEAST(RL_QUERIES, RL_WHOLE((JOB)->length, RL_W(T)))

/* c (m, n) = a @ b, or c += a @ b; a has any strides. Where rows are not whole vectors k is at most RL_KEYS. */
#define RL_TILE(KIND, TARGET, T, V, VECTORS)                                                                     \
    TARGET static void rl_tile_##KIND(const T *a, Py_ssize_t ai, Py_ssize_t ak, const T *rows_of_b, Py_ssize_t b_row, \
                                      T *c, Py_ssize_t ci, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, int add) {  \
        const Py_ssize_t W = VECTORS * sizeof(V) / sizeof(T);                                                    \
        V packed[RL_KEYS * VECTORS];                                                                             \
        for (Py_ssize_t j = 0; j < n; j += W) {                                                                  \
            const Py_ssize_t w = RL_LEAST(n - j, W), bk = w < W ? W : b_row;                                     \
            const T *b = rows_of_b + j;                                                                          \
            if (w < W) {                                                                                         \
                T *to = (T *)packed;                                                                             \
                memset(to, 0, k * W * sizeof(T));                                                                \
                for (Py_ssize_t p = 0; p < k; p++) memcpy(to + p * W, b + p * b_row, w * sizeof(T));             \
                b = to;                                                                                          \
            }                                                                                                    \
            rl_strip_##KIND(a, ai, ak, b, bk, c + j, ci, m, w, k, add);                                          \
        }                                                                                                        \
    }
RL_FOR_FAMILIES(RL_TILE, f4, float)
RL_FOR_FAMILIES(RL_TILE, f8, double)
#define rl_tile_f4 RL_OF_FAMILY(rl_tile_f4)
#define rl_tile_f8 RL_OF_FAMILY(rl_tile_f8)

#define ATTENTION(S, T, EXP, LOG)                                                                                \
    /* to (m, n) from columns of `from` (n, m). */                                                               \
    static void rl_turn_##S(const T *from, Py_ssize_t row, T *to, Py_ssize_t step, Py_ssize_t m, Py_ssize_t n) { \
        const Py_ssize_t size = sizeof(T), whole = n - n % 4, steps[] = {step * size, size}, rows[] = {size, row * size}; \
        Py_ssize_t done = rl_squares((char *)to, steps, (const char *)from, rows, m, whole, size);               \
        for (Py_ssize_t j = 0; j < n; j++)                                                                       \
            for (Py_ssize_t i = j < whole ? done : 0; i < m; i++) to[i * step + j] = from[j * row + i];          \
    }                                                                                                            \
    RL_CLONES static void rl_scaled_##S(const T *x, Py_ssize_t n, T by, T *out) {                                \
        for (Py_ssize_t i = 0; i < n; i++) out[i] = x[i] * by;                                                   \
    }                                                                                                            \
    /* Rows of queries as columns, of n, times a factor. What the columns beyond hold is of no matter. */        \
    static void rl_columns_##S(const T *from, Py_ssize_t row, Py_ssize_t count, Py_ssize_t size, Py_ssize_t n, T by, \
                               T *room, T *to) {                                                                 \
        if (by == 1) { rl_turn_##S(from, row, to, n, size, count); return; }                                     \
        for (Py_ssize_t q = 0; q < count; q++) rl_scaled_##S(from + q * row, size, by, room + q * size);         \
        rl_turn_##S(room, size, to, n, size, count);                                                             \
    }                                                                                                            \
    /* m rows with nothing between them: themselves, or copied to `room`. */                                     \
    static const T *rl_together_##S(const T *from, Py_ssize_t row, Py_ssize_t m, Py_ssize_t size, T *room) {     \
        if (row == size) return from;                                                                            \
        for (Py_ssize_t r = 0; r < m; r++) memcpy(room + r * size, from + r * row, size * sizeof(T));            \
        return room;                                                                                             \
    }                                                                                                            \
    /* The mask over the scores s of m keys from k0 on, for `count` queries from `first` on. */                  \
    static void rl_hide_##S(const rl_attention *job, Py_ssize_t head, T *s, Py_ssize_t n, Py_ssize_t first,      \
                            Py_ssize_t count, Py_ssize_t k0, Py_ssize_t m) {                                     \
        if (job->mask.data) {                                                                                    \
            const Py_ssize_t row = job->mask.row, column = job->mask_column;                                     \
            const char *mask = RL_HEAD(char, job->mask, head) + first * row + k0 * column;                       \
            for (Py_ssize_t r = 0; r < m; r++, mask += column) {                                                 \
                T *to = s + r * n;                                                                               \
                if (row == 0 && job->truths) {                                                                   \
                    if (!*mask) for (Py_ssize_t q = 0; q < count; q++) to[q] = -INFINITY;                        \
                } else if (row == 0)                                                                             \
                    for (Py_ssize_t q = 0; q < count; q++) to[q] += *(const T *)mask;                            \
                else if (job->truths)                                                                            \
                    for (Py_ssize_t q = 0; q < count; q++) to[q] = mask[q * row] ? to[q] : -INFINITY;            \
                else                                                                                             \
                    for (Py_ssize_t q = 0; q < count; q++) to[q] += *(const T *)(mask + q * row);                \
            }                                                                                                    \
        }                                                                                                        \
        if (!job->causal) return;                                                                                \
        for (Py_ssize_t r = k0 < first ? first - k0 + 1 : 0; r < m; r++) {                                       \
            const Py_ssize_t end = RL_LEAST(count, k0 + r - first);                                              \
            for (Py_ssize_t q = 0; q < end; q++) s[r * n + q] = -INFINITY;                                       \
        }                                                                                                        \
    }                                                                                                            \
    /* The scores become their powers over the largest so far of their query, which sums them; `fade` is what    \
       the sums before are to be multiplied by. */                                                               \
    RL_CLONES static void rl_weigh_##S(T *s, Py_ssize_t n, Py_ssize_t m, T *high, T *sum, T *fade) {             \
        T shift[RL_QUERIES], total[RL_QUERIES];                                                                  \
        for (Py_ssize_t q = 0; q < n; q++) shift[q] = high[q];                                                   \
        for (Py_ssize_t r = 0; r < m; r++)                                                                       \
            for (Py_ssize_t q = 0; q < n; q++) shift[q] = s[r * n + q] > shift[q] ? s[r * n + q] : shift[q];     \
        for (Py_ssize_t q = 0; q < n; q++) {                                                                     \
            const T before = high[q];                                                                            \
            high[q] = shift[q];                                                                                  \
            shift[q] = shift[q] == -INFINITY ? 0 : shift[q];                                                     \
            fade[q] = EXP(before - shift[q]);                                                                    \
            total[q] = 0;                                                                                        \
        }                                                                                                        \
        for (Py_ssize_t r = 0; r < m; r++)                                                                       \
            for (Py_ssize_t q = 0; q < n; q++) {                                                                 \
                const T power = EXP(s[r * n + q] - shift[q]);                                                    \
                s[r * n + q] = power;                                                                            \
                total[q] += power;                                                                               \
            }                                                                                                    \
        for (Py_ssize_t q = 0; q < n; q++) sum[q] = sum[q] * fade[q] + total[q];                                 \
    }                                                                                                            \
    /* Each row of x times a number of its own. */                                                               \
    RL_CLONES static void rl_fade_##S(T *x, Py_ssize_t row, Py_ssize_t m, Py_ssize_t n, const T *by) {           \
        for (Py_ssize_t r = 0; r < m; r++)                                                                       \
            for (Py_ssize_t i = 0; i < n; i++) x[r * row + i] *= by[r];                                          \
    }                                                                                                            \
    RL_CLONES static void rl_weights_##S(T *s, Py_ssize_t m, Py_ssize_t n, const T *lse) {                       \
        for (Py_ssize_t r = 0; r < m; r++)                                                                       \
            for (Py_ssize_t q = 0; q < n; q++) s[r * n + q] = EXP(s[r * n + q] - lse[q]);                        \
    }                                                                                                            \
    /* What the weights p send to their scores, from what was sent to them. */                                   \
    RL_CLONES static void rl_to_scores_##S(T *g, const T *p, Py_ssize_t m, Py_ssize_t n, const T *whole, T factor) { \
        for (Py_ssize_t r = 0; r < m; r++)                                                                       \
            for (Py_ssize_t q = 0; q < n; q++) g[r * n + q] = p[r * n + q] * (g[r * n + q] - whole[q]) * factor; \
    }                                                                                                            \
    /* Blocks of queries, of each head one after the other. */                                                   \
    static void rl_attend_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                                    \
        rl_attention *job = what;                                                                                \
        const Py_ssize_t E = job->size, D = job->width, N = RL_BLOCK(job, T), M = RL_LEAST(RL_KEYS, job->places); \
        const Py_ssize_t blocks = (job->length + N - 1) / N;                                                     \
        T high[RL_QUERIES], sum[RL_QUERIES], fade[RL_QUERIES];                                                   \
        T *room = malloc((E * N + N * M + RL_MOST(N, M) * RL_MOST(E, D)) * sizeof(T));                           \
        if (room == NULL) { job->failed = 1; return; }                                                           \
        memset(room, 0, E * N * sizeof(T));                                                                      \
        T *query = room, *s = query + E * N, *rows = s + N * M;                                                  \
        for (Py_ssize_t unit = begin; unit < end; unit++) {                                                      \
            const Py_ssize_t h = unit / blocks, first = unit % blocks * N, count = RL_LEAST(job->length - first, N); \
            const Py_ssize_t n = RL_WHOLE(count, RL_W(T));                                                       \
            const Py_ssize_t last = job->causal ? RL_LEAST(job->places, first + count) : job->places;            \
            rl_columns_##S(RL_HEAD(T, job->q, h) + first * job->q.row, job->q.row, count, E, n,                  \
                           (T)job->factor, rows, query);                                                         \
            T *out = RL_HEAD(T, job->out, h) + first * job->out.row;                                             \
            for (Py_ssize_t q = 0; q < n; q++) high[q] = -INFINITY, sum[q] = 0;                                  \
            for (Py_ssize_t k0 = 0; k0 < last; k0 += M) {                                                        \
                const Py_ssize_t m = RL_LEAST(last - k0, M);                                                     \
                const T *k = RL_HEAD(T, job->k, h) + k0 * job->k.row, *v = RL_HEAD(T, job->v, h) + k0 * job->v.row; \
                k = rl_together_##S(k, job->k.row, m, E, rows);                                                  \
                rl_tile_##S(k, E, 1, query, n, s, n, m, n, E, 0);                                                \
                rl_hide_##S(job, h, s, n, first, count, k0, m);                                                  \
                rl_weigh_##S(s, n, m, high, sum, fade);                                                          \
                if (k0) rl_fade_##S(out, job->out.row, count, D, fade);                                          \
                v = rl_together_##S(v, job->v.row, m, D, rows);                                                  \
                rl_tile_##S(s, 1, n, v, D, out, job->out.row, count, D, m, k0 > 0);                              \
            }                                                                                                    \
            T *lse = (T *)job->lse + h * job->length + first;                                                    \
            for (Py_ssize_t q = 0; q < count; q++) {                                                             \
                lse[q] = sum[q] == 0 ? (T)INFINITY : high[q] + (T)LOG(sum[q]);                                   \
                fade[q] = sum[q] == 0 ? 0 : 1 / sum[q];                                                          \
            }                                                                                                    \
            rl_fade_##S(out, job->out.row, count, D, fade);                                                      \
        }                                                                                                        \
        free(room);                                                                                              \
    }                                                                                                            \
    /* The gradients of what a head's queries (from q0 to q1) and keys (from k0 to k1) give each other. */       \
    static void rl_through_##S(const rl_attention *job, T *room, Py_ssize_t h, Py_ssize_t q0, Py_ssize_t q1,     \
                               Py_ssize_t k0, Py_ssize_t k1) {                                                   \
        const Py_ssize_t E = job->size, D = job->width, W = RL_W(T);                                             \
        const Py_ssize_t N = RL_BLOCK(job, T), M = RL_LEAST(RL_KEYS, job->places);                               \
        T lse[RL_QUERIES], whole[RL_QUERIES];                                                                    \
        T *query = room, *to_out = query + E * N, *p = to_out + D * N, *s = p + N * M;                           \
        T *keys = s + N * M, *values = keys + RL_MOST(N, M) * E;                                                 \
        /* Keys that no query of the first block sees have nothing to begin with. */                             \
        for (Py_ssize_t r = job->causal ? k0 : k1; r < k1; r++) {                                                \
            if (job->gk.data) memset(RL_HEAD(T, job->gk, h) + r * job->gk.row, 0, E * sizeof(T));                \
            if (job->gv.data) memset(RL_HEAD(T, job->gv, h) + r * job->gv.row, 0, D * sizeof(T));                \
        }                                                                                                        \
        for (Py_ssize_t first = q0; first < q1; first += N) {                                                    \
            const Py_ssize_t count = RL_LEAST(q1 - first, N), n = RL_WHOLE(count, W);                            \
            const Py_ssize_t last = job->causal ? RL_LEAST(k1, first + count) : k1;                              \
            const T *q = RL_HEAD(T, job->q, h) + first * job->q.row, *g = RL_HEAD(T, job->g, h) + first * job->g.row; \
            const T *out = RL_HEAD(T, job->out, h) + first * job->out.row;                                       \
            const Py_ssize_t q_row = job->q.row, g_row = job->g.row;                                             \
            if (last <= k0) continue;                                                                            \
            rl_columns_##S(q, q_row, count, E, n, (T)job->factor, keys, query);                                  \
            rl_columns_##S(g, g_row, count, D, n, 1, NULL, to_out);                                              \
            for (Py_ssize_t i = 0; i < n; i++) {                                                                 \
                const Py_ssize_t at = h * job->length + first + i;                                               \
                lse[i] = i < count ? ((const T *)job->lse)[at] : 0;                                              \
                whole[i] = i < count && job->glse ? -((const T *)job->glse)[at] : 0;                             \
                if (i < count) whole[i] += (T)rl_weighed_##S(g + i * g_row, out + i * job->out.row, D);          \
            }                                                                                                    \
            for (Py_ssize_t at = k0; at < last; at += M) {                                                       \
                const Py_ssize_t m = RL_LEAST(last - at, M);                                                     \
                const T *k = RL_HEAD(T, job->k, h) + at * job->k.row, *v = RL_HEAD(T, job->v, h) + at * job->v.row; \
                k = rl_together_##S(k, job->k.row, m, E, keys);                                                  \
                rl_tile_##S(k, E, 1, query, n, p, n, m, n, E, 0);                                                \
                rl_hide_##S(job, h, p, n, first, count, at, m);                                                  \
                rl_weights_##S(p, m, n, lse);                                                                    \
                if (job->gv.data)                                                                                \
                    rl_tile_##S(p, n, 1, g, g_row, RL_HEAD(T, job->gv, h) + at * job->gv.row, job->gv.row, m, D, \
                               count, first > q0 || job->causal);                                                \
                if (!job->gq.data && !job->gk.data) continue;                                                    \
                v = rl_together_##S(v, job->v.row, m, D, values);                                                \
                rl_tile_##S(v, D, 1, to_out, n, s, n, m, n, D, 0);                                               \
                rl_to_scores_##S(s, p, m, n, whole, (T)job->factor);                                             \
                if (job->gk.data)                                                                                \
                    rl_tile_##S(s, n, 1, q, q_row, RL_HEAD(T, job->gk, h) + at * job->gk.row, job->gk.row, m, E, \
                               count, first > q0 || job->causal);                                                \
                if (job->gq.data)                                                                                \
                    rl_tile_##S(s, 1, n, k, E, RL_HEAD(T, job->gq, h) + first * job->gq.row, job->gq.row, count, E, m, at > k0); \
            }                                                                                                    \
        }                                                                                                        \
    }                                                                                                            \
    /* Memory for the above. */                                                                                  \
    static T *rl_room_##S(rl_attention *job) {                                                                   \
        const Py_ssize_t sizes = job->size + job->width, N = RL_BLOCK(job, T), M = RL_LEAST(RL_KEYS, job->places); \
        T *room = malloc((sizes * (N + RL_MOST(N, M)) + 2 * N * M) * sizeof(T));                                 \
        if (room) memset(room, 0, sizes * N * sizeof(T));                                                        \
        else job->failed = 1;                                                                                    \
        return room;                                                                                             \
    }                                                                                                            \
    /* Whole heads; */                                                                                           \
    static void rl_through_heads_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                             \
        rl_attention *job = what;                                                                                \
        T *room = rl_room_##S(job);                                                                              \
        for (Py_ssize_t unit = begin; room && unit < end; unit++)                                                \
            rl_through_##S(job, room, unit, 0, job->length, 0, job->places);                                     \
        free(room);                                                                                              \
    }                                                                                                            \
    /* or chunks of each head's queries, without gradients of keys and values, */                                \
    static void rl_through_queries_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                           \
        rl_attention *job = what;                                                                                \
        T *room = rl_room_##S(job);                                                                              \
        const Py_ssize_t chunks = (job->length + job->chunk - 1) / job->chunk;                                   \
        for (Py_ssize_t unit = begin; room && unit < end; unit++) {                                              \
            const Py_ssize_t first = unit % chunks * job->chunk, last = RL_LEAST(first + job->chunk, job->length); \
            rl_through_##S(job, room, unit / chunks, first, last, 0, job->places);                               \
        }                                                                                                        \
        free(room);                                                                                              \
    }                                                                                                            \
    /* and then chunks of its keys, without that of queries. */                                                  \
    static void rl_through_keys_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                              \
        rl_attention *job = what;                                                                                \
        T *room = rl_room_##S(job);                                                                              \
        const Py_ssize_t chunks = (job->places + job->chunk - 1) / job->chunk;                                   \
        for (Py_ssize_t unit = begin; room && unit < end; unit++) {                                              \
            const Py_ssize_t first = unit % chunks * job->chunk, last = RL_LEAST(first + job->chunk, job->places); \
            rl_through_##S(job, room, unit / chunks, 0, job->length, first, last);                               \
        }                                                                                                        \
        free(room);                                                                                              \
    }

ATTENTION(f4, float, rl_exp4, logf)
ATTENTION(f8, double, rl_exp8, log)

#endif
