/* Sorting, ranks and runs of lanes, by keys: integers that order as the numbers do, nan above all, -0 beside 0.

   An element is an item, its key with its place in the lane. Items are sorted digit by digit from the least significant
   (Hollerith's and Seward's radix sort), which keeps the order of equal ones; a rank is found digit by digit from the most
   significant. Elements of up to four bytes have key and place in one number. */

#ifndef RL_SORT_H
#define RL_SORT_H

#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lanes.h"

typedef uint64_t rl_narrow;
typedef struct { uint64_t key, at; } rl_wide;

#define RL_NARROW_KEY(item) ((item) >> 32)
#define RL_NARROW_AT(item) ((Py_ssize_t)((item) & 0xffffffffu))
#define RL_NARROW_MAKE(k, a) ((uint64_t)(k) << 32 | (uint64_t)(a))
#define RL_NARROW_LESS(a, b) ((a) < (b))
#define RL_NARROW_BITS 32
#define RL_NARROW_MOST 0xffffffffu

#define RL_WIDE_KEY(item) ((item).key)
#define RL_WIDE_AT(item) ((Py_ssize_t)(item).at)
#define RL_WIDE_MAKE(k, a) ((rl_wide){(k), (uint64_t)(a)})
#define RL_WIDE_LESS(a, b) ((a).key < (b).key || ((a).key == (b).key && (a).at < (b).at))
#define RL_WIDE_BITS 64
#define RL_WIDE_MOST UINT64_MAX

/* Up to RL_FEW items are inserted, up to RL_SOME merged; digits are longer from RL_MANY on. From RL_LONG on they are dealt
   out by the uppermost bits in which they differ, and the buckets shared among threads. */
enum { RL_FEW = 16, RL_SOME = 192, RL_MANY = 4096, RL_LONG = 1 << 17 };

typedef void (*rl_share)(void (*work)(void *, Py_ssize_t, Py_ssize_t), void *what, Py_ssize_t n, Py_ssize_t least);
typedef struct { void *a, *b; const uint32_t *ends; } rl_buckets;

/* SORT: items a, with room b of the same size; the sorted ones are where the result points. */
#define RL_ITEMS(CASE, ITEM, SORT, RANK, SINK)                                                  \
    static void SORT##_few(ITEM *a, Py_ssize_t n) {                                             \
        for (Py_ssize_t i = 1; i < n; i++) {                                                    \
            ITEM item = a[i];                                                                   \
            Py_ssize_t j = i;                                                                   \
            for (; j > 0 && RL_##CASE##_LESS(item, a[j - 1]); j--) a[j] = a[j - 1];             \
            a[j] = item;                                                                        \
        }                                                                                       \
    }                                                                                           \
    static ITEM *SORT##_merged(ITEM *a, ITEM *b, Py_ssize_t n) {                                \
        for (Py_ssize_t i = 0; i < n; i += RL_FEW) SORT##_few(a + i, n - i < RL_FEW ? n - i : RL_FEW); \
        for (Py_ssize_t run = RL_FEW; run < n; run *= 2) {                                      \
            for (Py_ssize_t i = 0; i < n; i += 2 * run) {                                       \
                Py_ssize_t left = i, middle = i + run < n ? i + run : n, end = middle + run < n ? middle + run : n; \
                Py_ssize_t right = middle;                                                      \
                for (Py_ssize_t to = i; to < end; to++) {                                       \
                    const int take = right < end && (left == middle || RL_##CASE##_LESS(a[right], a[left])); \
                    b[to] = a[take ? right : left];                                             \
                    right += take;                                                              \
                    left += !take;                                                              \
                }                                                                               \
            }                                                                                   \
            ITEM *other = a;                                                                    \
            a = b;                                                                              \
            b = other;                                                                          \
        }                                                                                       \
        return a;                                                                               \
    }                                                                                           \
    static ITEM *SORT##_alone(ITEM *a, ITEM *b, Py_ssize_t n) {                                 \
        if (n <= RL_SOME) return SORT##_merged(a, b, n);                                        \
        const int bits = n < RL_MANY ? 8 : 11, passes = (RL_##CASE##_BITS + bits - 1) / bits;   \
        const uint64_t digit = ((uint64_t)1 << bits) - 1;                                       \
        uint32_t counts[8][2048];                                                               \
        for (int p = 0; p < passes; p++) memset(counts[p], 0, sizeof(uint32_t) << bits);        \
        for (Py_ssize_t i = 0; i < n; i++) {                                                    \
            uint64_t key = RL_##CASE##_KEY(a[i]);                                               \
            for (int p = 0; p < passes; p++, key >>= bits) counts[p][key & digit]++;            \
        }                                                                                       \
        for (int p = 0; p < passes; p++) {                                                      \
            uint32_t *count = counts[p], before = 0;                                            \
            const int shift = p * bits;                                                         \
            if (count[RL_##CASE##_KEY(a[0]) >> shift & digit] == (uint32_t)n) continue;         \
            for (Py_ssize_t d = 0; d <= (Py_ssize_t)digit; d++) {                               \
                uint32_t here = count[d];                                                       \
                count[d] = before;                                                              \
                before += here;                                                                 \
            }                                                                                   \
            for (Py_ssize_t i = 0; i < n; i++) b[count[RL_##CASE##_KEY(a[i]) >> shift & digit]++] = a[i]; \
            ITEM *other = a;                                                                    \
            a = b;                                                                              \
            b = other;                                                                          \
        }                                                                                       \
        return a;                                                                               \
    }                                                                                           \
    /* Sorts the buckets from begin to end, which lie in b, and leaves them in a. */            \
    static void SORT##_buckets(void *what, Py_ssize_t begin, Py_ssize_t end) {                  \
        const rl_buckets *s = (const rl_buckets *)what;                                         \
        for (Py_ssize_t d = begin; d < end; d++) {                                              \
            const Py_ssize_t first = d ? s->ends[d - 1] : 0, n = s->ends[d] - first;            \
            if (n == 0) continue;                                                               \
            ITEM *a = (ITEM *)s->a + first, *done = SORT##_alone((ITEM *)s->b + first, a, n);   \
            if (done != a) memcpy(a, done, sizeof(ITEM) * (size_t)n);                           \
        }                                                                                       \
    }                                                                                           \
    static ITEM *SORT(ITEM *a, ITEM *b, Py_ssize_t n, rl_share share) {                         \
        if (n < RL_LONG || share == NULL) return SORT##_alone(a, b, n);                         \
        uint32_t ends[2049] = {0};                                                              \
        uint64_t mixed = 0;                                                                     \
        int shift = 0;                                                                          \
        for (Py_ssize_t i = 1; i < n; i++) mixed |= RL_##CASE##_KEY(a[i]) ^ RL_##CASE##_KEY(a[0]); \
        while (mixed >> shift > 2047) shift++;                                                  \
        for (Py_ssize_t i = 0; i < n; i++) ends[1 + (RL_##CASE##_KEY(a[i]) >> shift & 2047)]++; \
        for (int d = 0; d < 2048; d++) ends[d + 1] += ends[d];                                  \
        /* Where each bucket begins becomes where it ends. */                                   \
        for (Py_ssize_t i = 0; i < n; i++) b[ends[RL_##CASE##_KEY(a[i]) >> shift & 2047]++] = a[i]; \
        rl_buckets s = {a, b, ends};                                                            \
        share(SORT##_buckets, &s, 2048, 1);                                                     \
        return a;                                                                               \
    }                                                                                           \
    /* The item of a rank, of those that are equal the one that comes as many behind the first. */ \
    static ITEM RANK(ITEM *a, ITEM *b, Py_ssize_t n, Py_ssize_t rank) {                         \
        uint32_t counts[2048];                                                                  \
        int left = RL_##CASE##_BITS;                                                            \
        while (n > RL_FEW && left > 0) {                                                        \
            const int bits = n < RL_MANY ? (left < 8 ? left : 8) : (left < 11 ? left : 11);     \
            const uint64_t digit = ((uint64_t)1 << bits) - 1;                                   \
            Py_ssize_t found = 0, m = 0;                                                        \
            left -= bits;                                                                       \
            memset(counts, 0, sizeof(uint32_t) << bits);                                        \
            for (Py_ssize_t i = 0; i < n; i++) counts[RL_##CASE##_KEY(a[i]) >> left & digit]++; \
            while (rank >= counts[found]) rank -= counts[found++];                              \
            if (counts[found] == n) continue;                                                   \
            for (Py_ssize_t i = 0; i < n; i++) {                                                \
                b[m] = a[i];                                                                    \
                m += (RL_##CASE##_KEY(a[i]) >> left & digit) == (uint64_t)found;                \
            }                                                                                   \
            n = m;                                                                              \
            a = b;                                                                              \
        }                                                                                       \
        if (left > 0) SORT##_few(a, n);                                                         \
        return a[rank];                                                                         \
    }                                                                                           \
    /* A heap of the k least items, the greatest on top: what lies at i sinks to its place. */  \
    static void SINK(ITEM *heap, Py_ssize_t k, Py_ssize_t i) {                                  \
        ITEM item = heap[i];                                                                    \
        for (;;) {                                                                              \
            Py_ssize_t child = 2 * i + 1;                                                       \
            if (child >= k) break;                                                              \
            if (child + 1 < k && RL_##CASE##_LESS(heap[child], heap[child + 1])) child++;       \
            if (!RL_##CASE##_LESS(item, heap[child])) break;                                    \
            heap[i] = heap[child];                                                              \
            i = child;                                                                          \
        }                                                                                       \
        heap[i] = item;                                                                         \
    }

RL_ITEMS(NARROW, rl_narrow, rl_sort_narrow, rl_rank_narrow, rl_sink_narrow)
RL_ITEMS(WIDE, rl_wide, rl_sort_wide, rl_rank_wide, rl_sink_wide)

/* Lanes of n elements, `step` apart; lane (o, j) of (outer, inner) begins at o * n * inner + j. */
typedef struct {
    const char *x;
    char *values;
    int64_t *indices;
    Py_ssize_t n, inner, k, rank; /* k results for each lane: all n when sorting, 1 of a rank */
    uint64_t backward;      /* all ones for descending order */
    int what, failed;
    /* Of a lane that is alone: room for its items, and threads. */
    void *room;
    rl_share share;
} rl_lanes;

/* The last four pick one element. */
enum { RL_SORT_ALL, RL_SORT_FIRST, RL_KTH, RL_MEDIAN, RL_NANMEDIAN, RL_MODE };

#define RL_LANES(NAME, T, CASE, ITEM, SORT, RANK, SINK, KEY, NAN)                                   \
    static void NAME##_first(const T *x, Py_ssize_t n, Py_ssize_t step, Py_ssize_t k, uint64_t backward, ITEM *heap) { \
        for (Py_ssize_t i = 0; i < k; i++) {                                                    \
            const T v = x[i * step];                                                            \
            heap[i] = RL_##CASE##_MAKE((KEY(v) ^ backward) & RL_##CASE##_MOST, i);                 \
        }                                                                                       \
        for (Py_ssize_t i = k / 2; i-- > 0;) SINK(heap, k, i);                                  \
        uint64_t worst = RL_##CASE##_KEY(heap[0]);                                              \
        for (Py_ssize_t i = k; i < n; i++) {                                                    \
            const T v = x[i * step];                                                            \
            const uint64_t key = (KEY(v) ^ backward) & RL_##CASE##_MOST;                           \
            if (key >= worst) continue;                                                         \
            heap[0] = RL_##CASE##_MAKE(key, i);                                                 \
            SINK(heap, k, 0);                                                                   \
            worst = RL_##CASE##_KEY(heap[0]);                                                   \
        }                                                                                       \
        for (Py_ssize_t left = k - 1; left > 0; left--) {                                       \
            ITEM last = heap[left];                                                             \
            heap[left] = heap[0];                                                               \
            heap[0] = last;                                                                     \
            SINK(heap, left, 0);                                                                \
        }                                                                                       \
    }                                                                                           \
    /* Where the run of equal items that begins at `begin` ends; each nan is alone. */          \
    static Py_ssize_t NAME##_run(const ITEM *a, Py_ssize_t begin, Py_ssize_t n) {               \
        const uint64_t key = RL_##CASE##_KEY(a[begin]);                                         \
        Py_ssize_t end = begin + 1;                                                             \
        if (NAN && key == RL_##CASE##_MOST) return end;                                         \
        while (end < n && RL_##CASE##_KEY(a[end]) == key) end++;                                \
        return end;                                                                             \
    }                                                                                           \
    /* The last item of the longest run of sorted ones. */                                      \
    static ITEM NAME##_mode(const ITEM *a, Py_ssize_t n) {                                      \
        Py_ssize_t best = 0, longest = 0;                                                       \
        for (Py_ssize_t begin = 0; begin < n;) {                                                \
            const Py_ssize_t end = NAME##_run(a, begin, n);                                     \
            if (end - begin > longest) { longest = end - begin; best = end - 1; }               \
            begin = end;                                                                        \
        }                                                                                       \
        return a[best];                                                                         \
    }                                                                                           \
    static ITEM NAME##_picked(const rl_lanes *s, ITEM *a, int sorted, Py_ssize_t numbers) {     \
        const Py_ssize_t n = s->n;                                                              \
        Py_ssize_t rank = s->what == RL_KTH ? s->rank : (n - 1) / 2;                            \
        if (s->what == RL_MODE) return NAME##_mode(sorted ? a : SORT(a, a + n, n, s->share), n); \
        if (NAN && s->what == RL_MEDIAN && numbers < n) rank = numbers;                         \
        if (NAN && s->what == RL_NANMEDIAN) rank = (numbers > 0 ? numbers - 1 : 0) / 2;         \
        return sorted ? a[rank] : RANK(a, a + n, n, rank);                                      \
    }                                                                                           \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        rl_lanes *s = (rl_lanes *)what;                                                         \
        const Py_ssize_t n = s->n, step = s->inner, k = s->k;                                   \
        const int few = s->what == RL_SORT_FIRST && (k <= n / 16 || (k <= 32 && k < n / 2));                               \
        ITEM *room = (ITEM *)(s->room ? s->room : malloc(sizeof(ITEM) * (size_t)(few ? k : 2 * n) + 1)); \
        if (room == NULL) { s->failed = 1; return; }                                            \
        for (Py_ssize_t lane = begin; lane < end; lane++) {                                     \
            const Py_ssize_t o = lane / step, j = lane % step;                                  \
            const T *x = (const T *)s->x + o * n * step + j;                                    \
            T *values = (T *)s->values + o * k * step + j;                                      \
            int64_t *indices = s->indices + o * k * step + j;                                   \
            ITEM *a = room, one;                                                                \
            if (few) {                                                                          \
                NAME##_first(x, n, step, k, s->backward, a);                                    \
            } else {                                                                            \
                uint64_t before = 0;                                                            \
                int sorted = 1;                                                                 \
                Py_ssize_t numbers = 0;                                                         \
                for (Py_ssize_t i = 0; i < n; i++) {                                            \
                    const T v = x[i * step];                                                    \
                    const uint64_t key = (KEY(v) ^ s->backward) & RL_##CASE##_MOST;                \
                    sorted &= before <= key;                                                    \
                    before = key;                                                               \
                    numbers += key != RL_##CASE##_MOST;                                         \
                    a[i] = RL_##CASE##_MAKE(key, i);                                            \
                }                                                                               \
                if (s->what > RL_SORT_FIRST) {                                                  \
                    one = NAME##_picked(s, a, sorted, numbers);                                 \
                    a = &one;                                                                   \
                } else if (!sorted) {                                                           \
                    a = SORT(a, a + n, n, s->share);                                            \
                }                                                                               \
            }                                                                                   \
            for (Py_ssize_t i = 0; i < k; i++) {                                                \
                const Py_ssize_t at = RL_##CASE##_AT(a[i]);                                     \
                indices[i * step] = at;                                                         \
                values[i * step] = x[at * step];                                                \
            }                                                                                   \
        }                                                                                       \
        if (room != s->room) free(room);                                                        \
    }                                                                                           \
    /* The distinct values in order; where each element's is, and how often it is there. */     \
    RL_UNUSED static Py_ssize_t NAME##_unique(const T *x, Py_ssize_t n, T *values, int64_t *inverse, int64_t *counts, \
                                    void *room, rl_share share) {                               \
        ITEM *a = (ITEM *)room;                                                                 \
        Py_ssize_t found = 0;                                                                   \
        for (Py_ssize_t i = 0; i < n; i++) { const T v = x[i]; a[i] = RL_##CASE##_MAKE(KEY(v), i); } \
        a = SORT(a, a + n, n, share);                                                           \
        for (Py_ssize_t begin = 0; begin < n; found++) {                                        \
            const Py_ssize_t end = NAME##_run(a, begin, n);                                     \
            values[found] = x[RL_##CASE##_AT(a[begin])];                                        \
            if (counts) counts[found] = end - begin;                                            \
            if (inverse) for (Py_ssize_t i = begin; i < end; i++) inverse[RL_##CASE##_AT(a[i])] = found; \
            begin = end;                                                                        \
        }                                                                                       \
        return found;                                                                           \
    }

static inline uint64_t rl_key_f4(float v) {
    uint32_t u;
    memcpy(&u, &v, sizeof u);
    u ^= (uint32_t)-(int32_t)(u >> 31) | 0x80000000u;
    return v != v ? 0xffffffffu : v == 0 ? 0x80000000u : u;
}

static inline uint64_t rl_key_f8(double v) {
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    u ^= (uint64_t)-(int64_t)(u >> 63) | (uint64_t)1 << 63;
    return v != v ? UINT64_MAX : v == 0 ? (uint64_t)1 << 63 : u;
}

#define RL_KEY_I8(v) ((uint64_t)(v) ^ (uint64_t)1 << 63)
#define RL_KEY_I4(v) ((uint64_t)((uint32_t)(v) ^ 0x80000000u))
#define RL_KEY_U1(v) ((uint64_t)(v))

RL_LANES(rl_lanes_f4, float, NARROW, rl_narrow, rl_sort_narrow, rl_rank_narrow, rl_sink_narrow, rl_key_f4, 1)
RL_LANES(rl_lanes_f8, double, WIDE, rl_wide, rl_sort_wide, rl_rank_wide, rl_sink_wide, rl_key_f8, 1)
RL_LANES(rl_lanes_i4, int32_t, NARROW, rl_narrow, rl_sort_narrow, rl_rank_narrow, rl_sink_narrow, RL_KEY_I4, 0)
RL_LANES(rl_lanes_i8, int64_t, WIDE, rl_wide, rl_sort_wide, rl_rank_wide, rl_sink_wide, RL_KEY_I8, 0)
RL_LANES(rl_lanes_i2, int16_t, NARROW, rl_narrow, rl_sort_narrow, rl_rank_narrow, rl_sink_narrow, RL_KEY_I4, 0)
RL_LANES(rl_lanes_i1, int8_t, NARROW, rl_narrow, rl_sort_narrow, rl_rank_narrow, rl_sink_narrow, RL_KEY_I4, 0)
RL_LANES(rl_lanes_u1, uint8_t, NARROW, rl_narrow, rl_sort_narrow, rl_rank_narrow, rl_sink_narrow, RL_KEY_U1, 0)

/* Short lanes, RL_ABREAST of them side by side, by a network: pairs of places that are compared in an order which does not
   depend on the numbers (Batcher's merge exchange: Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M). */
enum { RL_ABREAST = 8, RL_NETWORK = 256, RL_MOST_PAIRS = 4096 };

/* The pairs for n places, at most RL_NETWORK, one behind the other; how many there are. */
static Py_ssize_t rl_pairs(Py_ssize_t n, uint16_t *pairs) {
    Py_ssize_t found = 0, top = 1;
    while (2 * top < n) top *= 2;
    for (Py_ssize_t p = top; p > 0; p /= 2) {
        Py_ssize_t q = top, r = 0, d = p;
        for (;;) {
            for (Py_ssize_t i = 0; i < n - d; i++) {
                if ((i & p) != r) continue;
                pairs[2 * found] = (uint16_t)i;
                pairs[2 * found++ + 1] = (uint16_t)(i + d);
            }
            if (q == p) break;
            d = q - p;
            q /= 2;
            r = p;
        }
    }
    return found;
}

RL_CLONES static void rl_exchange(int64_t *items, const uint16_t *pairs, Py_ssize_t count) {
    for (Py_ssize_t c = 0; c < count; c++) {
        int64_t *restrict a = items + pairs[2 * c] * RL_ABREAST, *restrict b = items + pairs[2 * c + 1] * RL_ABREAST;
        for (int l = 0; l < RL_ABREAST; l++) {
            const int64_t x = a[l], y = b[l];
            a[l] = x < y ? x : y;
            b[l] = x < y ? y : x;
        }
    }
}

/* Items are numbers with a sign here, which processors without AVX-512 compare more easily. */
#define RL_SIGN ((uint64_t)1 << 63)
#define RL_LANES_SHORT(NAME, T, LONG, KEY)                                                          \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        rl_lanes *s = (rl_lanes *)what;                                                         \
        const Py_ssize_t n = s->n, step = s->inner;                                             \
        if (s->what != RL_SORT_ALL || n > RL_NETWORK) {                                         \
            LONG(what, begin, end);                                                             \
            return;                                                                             \
        }                                                                                       \
        uint16_t pairs[2 * RL_MOST_PAIRS];                                                      \
        uint64_t keys[RL_NETWORK];                                                              \
        int64_t items[RL_NETWORK * RL_ABREAST];                                                 \
        const Py_ssize_t count = end - begin >= RL_ABREAST ? rl_pairs(n, pairs) : 0;            \
        for (; end - begin >= RL_ABREAST; begin += RL_ABREAST) {                                \
            for (int l = 0; l < RL_ABREAST; l++) {                                              \
                const T *x = (const T *)s->x + (begin + l) / step * n * step + (begin + l) % step; \
                for (Py_ssize_t i = 0; i < n; i++) {                                            \
                    const T v = x[i * step];                                                    \
                    keys[i] = RL_NARROW_MAKE((KEY(v) ^ s->backward) & RL_NARROW_MOST, i) ^ RL_SIGN; \
                }                                                                               \
                for (Py_ssize_t i = 0; i < n; i++) items[i * RL_ABREAST + l] = (int64_t)keys[i]; \
            }                                                                                   \
            rl_exchange(items, pairs, count);                                                   \
            for (int l = 0; l < RL_ABREAST; l++) {                                              \
                const Py_ssize_t before = (begin + l) / step * n * step + (begin + l) % step;   \
                const T *x = (const T *)s->x + before;                                          \
                T *values = (T *)s->values + before;                                            \
                int64_t *indices = s->indices + before;                                         \
                for (Py_ssize_t i = 0; i < n; i++) {                                            \
                    const Py_ssize_t at = RL_NARROW_AT((uint64_t)items[i * RL_ABREAST + l]);    \
                    indices[i * step] = at;                                                     \
                    values[i * step] = x[at * step];                                            \
                }                                                                               \
            }                                                                                   \
        }                                                                                       \
        if (begin < end) LONG(what, begin, end);                                                \
    }

RL_CLONES RL_LANES_SHORT(rl_lanes_short_f4, float, rl_lanes_f4, rl_key_f4)
RL_LANES_SHORT(rl_lanes_short_i4, int32_t, rl_lanes_i4, RL_KEY_I4)
RL_LANES_SHORT(rl_lanes_short_i2, int16_t, rl_lanes_i2, RL_KEY_I4)
RL_LANES_SHORT(rl_lanes_short_i1, int8_t, rl_lanes_i1, RL_KEY_I4)
RL_LANES_SHORT(rl_lanes_short_u1, uint8_t, rl_lanes_u1, RL_KEY_U1)

#endif
