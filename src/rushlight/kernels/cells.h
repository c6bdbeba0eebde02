/* What recurrent cells do with each number of a row, and its derivative: formulas that the compiler does many at once. */

#ifndef RL_CELLS_H
#define RL_CELLS_H

#include "vector.h"

typedef struct {
    const void *given, *kept, *before, *gates, *after, *gh, *gafter;
    void *out, *next, *shares, *gsums, *gkept, *gbefore;
    Py_ssize_t n;
} rl_cell;

/* A row of `given` and `kept` is four gates of n numbers: enter, forget, new, leave. */
#define LSTM(S, T, SIGMOID, TANH)                                                                              \
    RL_CLONES static void rl_lstm_row_##S(const T *a, const T *b, const T *c, T *h, T *next, T *gates, Py_ssize_t n) { \
        for (Py_ssize_t i = 0; i < 2 * n; i++) gates[i] = SIGMOID(a[i] + b[i]);                                \
        for (Py_ssize_t i = 2 * n; i < 3 * n; i++) gates[i] = TANH(a[i] + b[i]);                               \
        for (Py_ssize_t i = 3 * n; i < 4 * n; i++) gates[i] = SIGMOID(a[i] + b[i]);                            \
        for (Py_ssize_t i = 0; i < n; i++) next[i] = gates[n + i] * c[i] + gates[i] * gates[2 * n + i];        \
        for (Py_ssize_t i = 0; i < n; i++) h[i] = gates[3 * n + i] * TANH(next[i]);                            \
    }                                                                                                          \
    RL_CLONES static void rl_through_lstm_row_##S(                                                             \
        const T *gates, const T *c, const T *next, const T *gh, const T *gnext, T *ga, T *gc, Py_ssize_t n     \
    ) {                                                                                                        \
        for (Py_ssize_t i = 0; i < n; i++) {                                                                   \
            T enter = gates[i], forget = gates[n + i], fresh = gates[2 * n + i], leave = gates[3 * n + i];     \
            T t = TANH(next[i]), of_h = gh ? gh[i] : 0, of_next = gnext ? gnext[i] : 0;                        \
            of_next += of_h * leave * (1 - t * t);                                                             \
            ga[i] = of_next * fresh * enter * (1 - enter);                                                     \
            ga[n + i] = of_next * c[i] * forget * (1 - forget);                                                \
            ga[2 * n + i] = of_next * enter * (1 - fresh * fresh);                                             \
            ga[3 * n + i] = of_h * t * leave * (1 - leave);                                                    \
            gc[i] = of_next * forget;                                                                          \
        }                                                                                                      \
    }                                                                                                          \
    static void rl_lstm_##S(void *work, Py_ssize_t begin, Py_ssize_t end) {                                    \
        rl_cell *s = work;                                                                                     \
        Py_ssize_t n = s->n;                                                                                   \
        for (Py_ssize_t r = begin; r < end; r++)                                                               \
            rl_lstm_row_##S((const T *)s->given + 4 * n * r, (const T *)s->kept + 4 * n * r,                   \
                            (const T *)s->before + n * r, (T *)s->out + n * r, (T *)s->next + n * r,           \
                            (T *)s->shares + 4 * n * r, n);                                                    \
    }                                                                                                          \
    static void rl_through_lstm_##S(void *work, Py_ssize_t begin, Py_ssize_t end) {                            \
        rl_cell *s = work;                                                                                     \
        Py_ssize_t n = s->n;                                                                                   \
        for (Py_ssize_t r = begin; r < end; r++)                                                               \
            rl_through_lstm_row_##S((const T *)s->gates + 4 * n * r, (const T *)s->before + n * r,             \
                                    (const T *)s->after + n * r, s->gh ? (const T *)s->gh + n * r : 0,         \
                                    s->gafter ? (const T *)s->gafter + n * r : 0, (T *)s->gsums + 4 * n * r,   \
                                    (T *)s->gbefore + n * r, n);                                               \
    }
LSTM(f4, float, rl_sigmoid4, rl_tanh4)
LSTM(f8, double, rl_sigmoid8, rl_tanh8)

/* A row of `given` and `kept` is three gates of n numbers: reset, keep, new; what is kept of `new` is reset first. */
#define GRU(S, T, SIGMOID, TANH)                                                                               \
    RL_CLONES static void rl_gru_row_##S(const T *a, const T *b, const T *h, T *out, T *gates, Py_ssize_t n) { \
        for (Py_ssize_t i = 0; i < 2 * n; i++) gates[i] = SIGMOID(a[i] + b[i]);                                \
        for (Py_ssize_t i = 2 * n; i < 3 * n; i++) gates[i] = TANH(a[i] + gates[i - 2 * n] * b[i]);            \
        for (Py_ssize_t i = 0; i < n; i++) out[i] = gates[2 * n + i] + gates[n + i] * (h[i] - gates[2 * n + i]);\
    }                                                                                                          \
    RL_CLONES static void rl_through_gru_row_##S(                                                              \
        const T *gates, const T *b, const T *h, const T *g, T *ga, T *gb, T *gh, Py_ssize_t n                  \
    ) {                                                                                                        \
        for (Py_ssize_t i = 0; i < n; i++) {                                                                   \
            T reset = gates[i], keep = gates[n + i], fresh = gates[2 * n + i];                                 \
            T of_sum = g[i] * (1 - keep) * (1 - fresh * fresh);                                                \
            ga[i] = gb[i] = of_sum * b[2 * n + i] * reset * (1 - reset);                                       \
            ga[n + i] = gb[n + i] = g[i] * (h[i] - fresh) * keep * (1 - keep);                                 \
            ga[2 * n + i] = of_sum;                                                                            \
            gb[2 * n + i] = of_sum * reset;                                                                    \
            gh[i] = g[i] * keep;                                                                               \
        }                                                                                                      \
    }                                                                                                          \
    static void rl_gru_##S(void *work, Py_ssize_t begin, Py_ssize_t end) {                                     \
        rl_cell *s = work;                                                                                     \
        Py_ssize_t n = s->n;                                                                                   \
        for (Py_ssize_t r = begin; r < end; r++)                                                               \
            rl_gru_row_##S((const T *)s->given + 3 * n * r, (const T *)s->kept + 3 * n * r, (const T *)s->before + n * r,\
                           (T *)s->out + n * r, (T *)s->shares + 3 * n * r, n);                                \
    }                                                                                                          \
    static void rl_through_gru_##S(void *work, Py_ssize_t begin, Py_ssize_t end) {                             \
        rl_cell *s = work;                                                                                     \
        Py_ssize_t n = s->n;                                                                                   \
        for (Py_ssize_t r = begin; r < end; r++)                                                               \
            rl_through_gru_row_##S((const T *)s->gates + 3 * n * r, (const T *)s->kept + 3 * n * r,            \
                                   (const T *)s->before + n * r, (const T *)s->gh + n * r, (T *)s->gsums + 3 * n * r,\
                                   (T *)s->gkept + 3 * n * r, (T *)s->gbefore + n * r, n);                     \
    }
GRU(f4, float, rl_sigmoid4, rl_tanh4)
GRU(f8, double, rl_sigmoid8, rl_tanh8)

#endif
