/* Arrays multiplied along one dimension by a matrix whose rows are zero but for `taps` entries from `starts` on, and
   arrays padded with their own entries. */

#ifndef RL_BANDS_H
#define RL_BANDS_H

#include <stdint.h>
#include "totals.h"

#define RL_WIDTH 64

typedef struct {
    const void *x, *weights;  /* (size, taps), or (taps, size) where `turned` */
    const int64_t *starts;
    void *out;
    Py_ssize_t n, size, inner, taps, turned;
} rl_band;

#define BANDS(S, T)                                                                                            \
    RL_CLONES static void rl_band_gather_##S(const rl_band *s, const T *x, T *out) {                           \
        const T *w = s->weights;                                                                               \
        const int64_t *at = s->starts;                                                                         \
        for (Py_ssize_t i = 0; i < s->size; i++) out[i] = w[i] * x[at[i]];                                     \
        for (Py_ssize_t k = 1; k < s->taps; k++) {                                                             \
            w += s->size;                                                                                      \
            x++;                                                                                               \
            for (Py_ssize_t i = 0; i < s->size; i++) out[i] += w[i] * x[at[i]];                                \
        }                                                                                                      \
    }                                                                                                          \
    static void rl_band_rows_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                               \
        const rl_band *s = what;                                                                               \
        for (Py_ssize_t r = begin; r < end; r++) {                                                             \
            const T *x = (const T *)s->x + r * s->n, *w = s->weights;                                          \
            T *out = (T *)s->out + r * s->size;                                                                \
            if (s->turned) rl_band_gather_##S(s, x, out);                                                      \
            else for (Py_ssize_t i = 0; i < s->size; i++)                                                      \
                out[i] = (T)rl_weighed_##S(x + s->starts[i], w + i * s->taps, s->taps);                        \
        }                                                                                                      \
    }                                                                                                          \
    RL_CLONES static void rl_band_line_##S(const T *x, const T *w, Py_ssize_t step, Py_ssize_t taps,           \
                                           Py_ssize_t inner, Py_ssize_t onward, T *out) {                      \
        for (Py_ssize_t q = 0; q < inner; q++) out[q] = w[0] * x[q];                                           \
        for (Py_ssize_t k = 1; k < taps; k++) {                                                                \
            const T v = w[k * step], *from = x + k * onward;                                                   \
            for (Py_ssize_t q = 0; q < inner; q++) out[q] += v * from[q];                                      \
        }                                                                                                      \
    }                                                                                                          \
    static void rl_band_lines_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                              \
        const rl_band *s = what;                                                                               \
        for (Py_ssize_t line = begin; line < end; line++) {                                                    \
            Py_ssize_t i = line % s->size;                                                                     \
            const T *x = (const T *)s->x + (line / s->size * s->n + s->starts[i]) * s->inner;                  \
            const T *w = (const T *)s->weights + (s->turned ? i : i * s->taps);                                \
            rl_band_line_##S(x, w, s->turned ? s->size : 1, s->taps, s->inner, s->inner, (T *)s->out + line * s->inner); \
        }                                                                                                      \
    }
BANDS(f4, float)
BANDS(f8, double)

/* Three trailing dimensions: `table` names the entry that each place of each dimension shows (-1 for none); from `low`
   to `high` of the last dimension entries stand side by side. */
typedef struct {
    const void *x;
    void *out;
    const int64_t *table[3];
    Py_ssize_t n[3], size[3], low, high;
    double fill;
} rl_padding;

#define PADDING(S, T)                                                                                          \
    static void rl_pad_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                                     \
        const rl_padding *s = what;                                                                            \
        const T fill = (T)s->fill;                                                                             \
        const int64_t *c = s->table[2];                                                                        \
        Py_ssize_t cells = s->n[0] * s->n[1] * s->n[2], width = s->size[2], i;                                 \
        T *out = (T *)s->out + begin * s->size[0] * s->size[1] * width;                                        \
        for (Py_ssize_t p = begin; p < end; p++)                                                               \
            for (Py_ssize_t z = 0; z < s->size[0]; z++) for (Py_ssize_t y = 0; y < s->size[1]; y++, out += width) { \
                int64_t a = s->table[0][z], b = s->table[1][y];                                                \
                if (a < 0 || b < 0) {                                                                          \
                    for (i = 0; i < width; i++) out[i] = fill;                                                 \
                    continue;                                                                                  \
                }                                                                                              \
                const T *x = (const T *)s->x + p * cells + (a * s->n[1] + b) * s->n[2];                        \
                for (i = 0; i < s->low; i++) out[i] = c[i] < 0 ? fill : x[c[i]];                               \
                if (s->high > s->low) memcpy(out + s->low, x + c[s->low], (s->high - s->low) * sizeof(T));     \
                for (i = s->high; i < width; i++) out[i] = c[i] < 0 ? fill : x[c[i]];                          \
            }                                                                                                  \
    }                                                                                                          \
    /* The adjoint: x has the padded size, and every place of it is added to the entry that it shows. */       \
    static void rl_unpad_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                                   \
        const rl_padding *s = what;                                                                            \
        const int64_t *c = s->table[2];                                                                        \
        Py_ssize_t cells = s->n[0] * s->n[1] * s->n[2], width = s->size[2], i;                                 \
        const T *x = (const T *)s->x + begin * s->size[0] * s->size[1] * width;                                \
        memset((T *)s->out + begin * cells, 0, (end - begin) * cells * sizeof(T));                             \
        for (Py_ssize_t p = begin; p < end; p++)                                                               \
            for (Py_ssize_t z = 0; z < s->size[0]; z++) for (Py_ssize_t y = 0; y < s->size[1]; y++, x += width) { \
                int64_t a = s->table[0][z], b = s->table[1][y];                                                \
                if (a < 0 || b < 0) continue;                                                                  \
                T *out = (T *)s->out + p * cells + (a * s->n[1] + b) * s->n[2];                                \
                for (i = 0; i < s->low; i++) if (c[i] >= 0) out[c[i]] += x[i];                                 \
                if (s->high > s->low) {                                                                        \
                    T *inside = out + c[s->low];                                                               \
                    for (i = s->low; i < s->high; i++) inside[i - s->low] += x[i];                             \
                }                                                                                              \
                for (i = s->high; i < width; i++) if (c[i] >= 0) out[c[i]] += x[i];                            \
            }                                                                                                  \
    }
PADDING(f4, float)
PADDING(f8, double)

#endif
