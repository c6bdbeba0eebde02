/* Losses of classes, from scores or from log-probabilities (outer, n, inner) and a class for each (outer, inner), and
   losses of pairs of numbers. Sums are made of parts of fixed length, however many threads there are. */

#ifndef RL_LOSSES_H
#define RL_LOSSES_H

#include "softmax.h"

typedef struct {
    const void *x, *g, *weight;
    const int64_t *target;
    void *out;
    double *losses;
    double scale;           /* of every gradient; times g where there is one for each */
    Py_ssize_t outer, n, inner;
    int64_t ignored;
    int logits, each;
} rl_classes;

typedef struct {
    const void *x, *y, *g;
    void *out;
    double *parts;
    double p, scale;
    Py_ssize_t n;
    int each;
} rl_pairs;

/* How often each class's weight counts: that of the target, nothing for an ignored one. */
#define RL_OF_CLASS(T, AT) (AT == s->ignored ? 0 : s->weight ? (double)((const T *)s->weight)[AT] : 1.0)

#define CLASSES(S, T, EXP)                                                                                     \
    RL_CLONES static double rl_row_loss_##S(const T *x, Py_ssize_t n, Py_ssize_t at) {                         \
        T high = rl_highest_##S(x, n);                                                                         \
        return log(rl_mass_##S(x, n, high)) - (x[at] - high);                                                  \
    }                                                                                                          \
    static void rl_class_rows_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                              \
        const rl_classes *s = what;                                                                            \
        for (Py_ssize_t r = begin; r < end; r++) {                                                             \
            const T *x = (const T *)s->x + r * s->n;                                                           \
            int64_t at = s->target[r];                                                                         \
            if (at == s->ignored) s->losses[r] = 0;                                                            \
            else s->losses[r] = RL_OF_CLASS(T, at) * (s->logits ? rl_row_loss_##S(x, s->n, at) : -(double)x[at]); \
        }                                                                                                      \
    }                                                                                                          \
    static void rl_class_columns_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                           \
        const rl_classes *s = what;                                                                            \
        T high[RL_ABREAST];                                                                                    \
        double mass[RL_ABREAST];                                                                               \
        RL_OVER_COLUMNS(T,                                                                                     \
            (void)out;                                                                                         \
            Py_ssize_t place = b / blocks * inner + column;                                                    \
            if (s->logits) rl_high_mass_##S(x, NULL, n, inner, w, high, mass);                                 \
            for (int q = 0; q < w; q++) {                                                                      \
                int64_t at = s->target[place + q];                                                             \
                double loss = at == s->ignored ? 0 : -(double)x[at * inner + q];                               \
                if (s->logits && at != s->ignored) loss += log(mass[q]) + high[q];                             \
                s->losses[place + q] = RL_OF_CLASS(T, at) * loss;                                              \
            }                                                                                                  \
        )                                                                                                      \
    }                                                                                                          \
    RL_CLONES static void rl_row_slope_##S(const T *x, Py_ssize_t n, T share, T *out) {                        \
        T high = rl_highest_##S(x, n);                                                                         \
        double mass;                                                                                           \
        for (Py_ssize_t i = 0; i < n; i++) out[i] = EXP(x[i] - high);                                          \
        mass = rl_sum_##S(out, n);                                                                             \
        T by = (T)(share / mass);                                                                              \
        for (Py_ssize_t i = 0; i < n; i++) out[i] *= by;                                                       \
    }                                                                                                          \
    static void rl_slope_rows_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                              \
        const rl_classes *s = what;                                                                            \
        for (Py_ssize_t r = begin; r < end; r++) {                                                             \
            int64_t at = s->target[r];                                                                         \
            T *out = (T *)s->out + r * s->n;                                                                   \
            T share = (T)(s->scale * RL_OF_CLASS(T, at) * (s->each ? ((const T *)s->g)[r] : 1));               \
            if (at == s->ignored || !s->logits) memset(out, 0, s->n * sizeof(T));                              \
            else rl_row_slope_##S((const T *)s->x + r * s->n, s->n, share, out);                               \
            if (at != s->ignored) out[at] -= share;                                                            \
        }                                                                                                      \
    }                                                                                                          \
    RL_CLONES static void rl_slope_columns_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                 \
        const rl_classes *s = what;                                                                            \
        T high[RL_ABREAST], by[RL_ABREAST], share[RL_ABREAST];                                                 \
        double mass[RL_ABREAST];                                                                               \
        RL_OVER_COLUMNS(T,                                                                                     \
            Py_ssize_t place = b / blocks * inner + column;                                                    \
            for (int q = 0; q < w; q++)                                                                        \
                share[q] = (T)(s->scale * RL_OF_CLASS(T, s->target[place + q]) * (s->each ? ((const T *)s->g)[place + q] : 1)); \
            if (s->logits) {                                                                                   \
                rl_high_mass_##S(x, out, n, inner, w, high, mass);                                             \
                for (int q = 0; q < w; q++) by[q] = (T)(share[q] / mass[q]);                                   \
                for (Py_ssize_t k = 0; k < n; k++)                                                             \
                    for (int q = 0; q < w; q++) out[k * inner + q] *= by[q];                                   \
            } else {                                                                                           \
                for (Py_ssize_t k = 0; k < n; k++) memset(out + k * inner, 0, w * sizeof(T));                  \
            }                                                                                                  \
            for (int q = 0; q < w; q++) {                                                                      \
                int64_t at = s->target[place + q];                                                             \
                if (at != s->ignored) out[at * inner + q] -= share[q];                                         \
                else for (Py_ssize_t k = 0; k < n; k++) out[k * inner + q] = 0;                                \
            }                                                                                                  \
        )                                                                                                      \
    }
CLASSES(f4, float, rl_exp4)
CLASSES(f8, double, rl_exp8)

/* Runs [begin, end) of pairs, and the gradients of numbers [begin, end). */
#define PAIR(NAME, S, T, LOSS, SLOPE)                                                                          \
    RL_CLONES static void rl_##NAME##_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                      \
        const rl_pairs *s = what;                                                                              \
        const T p = (T)s->p;                                                                                   \
        (void)p;                                                                                               \
        for (Py_ssize_t run = begin; run < end; run++) {                                                       \
            Py_ssize_t first = run * RL_RUN, n = s->n - first < RL_RUN ? s->n - first : RL_RUN;                \
            const T *x = (const T *)s->x + first, *y = (const T *)s->y + first;                                \
            T *out = (T *)s->out + first;                                                                      \
            if (s->each) for (Py_ssize_t i = 0; i < n; i++) out[i] = LOSS;                                     \
            else { double sum; RL_TOTAL(T, sum, LOSS) s->parts[run] = sum; }                                   \
        }                                                                                                      \
    }                                                                                                          \
    RL_CLONES static void rl_##NAME##_slope_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                \
        const rl_pairs *s = what;                                                                              \
        const T p = (T)s->p, scale = (T)s->scale, *x = s->x, *y = s->y, *g = s->g;                             \
        T *out = s->out;                                                                                       \
        (void)p;                                                                                               \
        if (s->each) for (Py_ssize_t i = begin; i < end; i++) out[i] = g[i] * (SLOPE);                         \
        else for (Py_ssize_t i = begin; i < end; i++) out[i] = scale * (SLOPE);                                \
    }

#define RL_SIZE(z) ((z) < 0 ? -(z) : (z))
#define RL_CLAMP(z, low, high) ((z) < (low) ? (low) : (z) > (high) ? (high) : (z))

#define PAIRS(S, T, EXP, LOG1P)                                                                                \
    RL_INLINE T rl_smooth_##S(T z, T beta) { return z < beta ? z * z * ((T)0.5 / beta) : z - (T)0.5 * beta; }  \
    RL_INLINE T rl_hub_##S(T z, T delta) { return z <= delta ? z * z * (T)0.5 : (z - (T)0.5 * delta) * delta; } \
    PAIR(mse_loss, S, T, (x[i] - y[i]) * (x[i] - y[i]), 2 * (x[i] - y[i]))                                     \
    PAIR(smooth_l1_loss, S, T, rl_smooth_##S(RL_SIZE(x[i] - y[i]), p), RL_CLAMP((x[i] - y[i]) / p, -1, 1))     \
    PAIR(huber_loss, S, T, rl_hub_##S(RL_SIZE(x[i] - y[i]), p), RL_CLAMP(x[i] - y[i], -p, p))                  \
    PAIR(logits, S, T, (1 - y[i]) * x[i] + (x[i] < 0 ? -x[i] : 0) + LOG1P(EXP(-RL_SIZE(x[i]))),                \
         1 / (1 + EXP(-x[i])) - y[i])

PAIRS(f4, float, rl_exp4, rl_log1p_unit4)
PAIRS(f8, double, rl_exp8, rl_log1p_unit8)

#endif
