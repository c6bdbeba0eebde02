/* Connectionist temporal classification, one sample at a time, in double precision. The states of a target of S labels
   are 2 S + 1: a blank before, between and after them. RL_PAD states that nothing reaches lie on both sides. */

#ifndef RL_ALIGNMENTS_H
#define RL_ALIGNMENTS_H

#include <stdlib.h>
#include "lanes.h"
#include "vector.h"

#define RL_NEVER -1e30
#define RL_PAD 2

typedef struct {
    const void *log_probs;
    const int64_t *targets, *spans, *lengths;
    void *losses, *out;
    const void *g;
    Py_ssize_t steps, count, classes, size, blank;  /* size: of the longest target */
    int single, zero_infinity, failed;
} rl_ctc;

RL_INLINE double rl_read(const rl_ctc *s, Py_ssize_t at) {
    return s->single ? (double)((const float *)s->log_probs)[at] : ((const double *)s->log_probs)[at];
}

/* to[i] = emitted[i] + log(exp(a[i]) + exp(a[i + by]) + exp(a[i + 2 by]) where it may skip). */
RL_TWO_CLONES static void rl_advance(const double *a, const double *emitted, const double *skips, Py_ssize_t n,
                                 Py_ssize_t by, double *to) {
    for (Py_ssize_t i = 0; i < n; i++) {
        double u = a[i], v = a[i + by], w = skips[i] != 0 ? a[i + 2 * by] : RL_NEVER;
        double high = u > v ? u : v;
        high = high > w ? high : w;
        to[i] = emitted[i] + (high + rl_log8(rl_exp8(u - high) + rl_exp8(v - high) + rl_exp8(w - high)));
    }
}

static double rl_both(double a, double b) {
    double high = a > b ? a : b;
    return high + log(exp(a - high) + exp(b - high));
}

static void rl_emit(const rl_ctc *s, Py_ssize_t sample, Py_ssize_t t, const Py_ssize_t *labels, Py_ssize_t n, double *to) {
    Py_ssize_t row = (t * s->count + sample) * s->classes;
    for (Py_ssize_t i = 0; i < n; i++) {
        double e = rl_read(s, row + labels[i]);
        to[i] = e < RL_NEVER ? RL_NEVER : e;
    }
}

/* The labels of the states, and which of them may be reached from two states before (or reach that, with by = 2). */
static void rl_states(const rl_ctc *s, Py_ssize_t sample, Py_ssize_t n, Py_ssize_t *labels, double *skips, double *leaps) {
    for (Py_ssize_t i = 0; i < n; i++) {
        labels[i] = i % 2 ? (Py_ssize_t)s->targets[sample * s->size + i / 2] : s->blank;
        skips[i] = i >= 2 && labels[i] != labels[i - 2];
        leaps[i] = 0;
        if (i >= 2) leaps[i - 2] = skips[i];
    }
}

/* Samples [begin, end): the losses, or (with `out`) the derivatives by log_probs. */
static void rl_align(void *what, Py_ssize_t begin, Py_ssize_t end) {
    rl_ctc *s = what;
    Py_ssize_t most = 2 * s->size + 1, width = most + 2 * RL_PAD, rows = s->out ? s->steps : 2;
    double *room = malloc(sizeof(double) * (rows * width + 2 * width + 4 * most));
    Py_ssize_t *labels = malloc(sizeof(Py_ssize_t) * most);
    if (!room || !labels) {
        s->failed = 1;
        end = begin;
    }
    for (Py_ssize_t sample = begin; sample < end; sample++) {
        double *alphas = room, *betas = room + rows * width, *emitted = betas + 2 * width;
        double *skips = emitted + most, *leaps = skips + most, *along = leaps + most;
        Py_ssize_t span = s->spans[sample], n = 2 * s->lengths[sample] + 1, i, t;
        rl_states(s, sample, n, labels, skips, leaps);
        for (i = 0; i < (rows + 2) * width; i++) room[i] = RL_NEVER;
        double total = span ? RL_NEVER : n == 1 ? 0 : 2 * RL_NEVER;
        for (t = 0; t < span; t++) {
            double *a = alphas + (s->out ? t : t % 2) * width + RL_PAD;
            const double *before = alphas + (s->out ? t - 1 : (t + 1) % 2) * width + RL_PAD;
            rl_emit(s, sample, t, labels, n, emitted);
            if (t == 0) for (i = 0; i < n; i++) a[i] = i < 2 ? emitted[i] : RL_NEVER;
            else rl_advance(before, emitted, skips, n, -1, a);
            if (t == span - 1) total = n > 1 ? rl_both(a[n - 1], a[n - 2]) : a[0];
        }
        double loss = total < RL_NEVER / 2 ? INFINITY : -total;
        if (!s->out) {
            if (s->single) ((float *)s->losses)[sample] = (float)loss;
            else ((double *)s->losses)[sample] = loss;
            continue;
        }
        double g = s->single ? (double)((const float *)s->g)[sample] : ((const double *)s->g)[sample];
        for (t = s->steps - 1; t >= 0; t--) {
            Py_ssize_t row = (t * s->count + sample) * s->classes;
            float *of = (float *)s->out + row;
            double *od = (double *)s->out + row;
            if (t >= span || loss == INFINITY) {
                double value = t >= span || s->zero_infinity ? 0 : NAN;
                for (i = 0; i < s->classes; i++)
                    if (s->single) of[i] = (float)(g * value); else od[i] = g * value;
                continue;
            }
            double *b = betas + t % 2 * width + RL_PAD, high = -INFINITY, sum = 0;
            const double *after = betas + (t + 1) % 2 * width + RL_PAD, *a = alphas + t * width + RL_PAD;
            rl_emit(s, sample, t, labels, n, emitted);
            if (t == span - 1) for (i = 0; i < n; i++) b[i] = i >= n - 2 ? emitted[i] : RL_NEVER;
            else rl_advance(after, emitted, leaps, n, 1, b);
            for (i = 0; i < n; i++) {
                along[i] = a[i] + b[i] - emitted[i];
                high = along[i] > high ? along[i] : high;
            }
            for (i = 0; i < n; i++) sum += along[i] = exp(along[i] - high);
            for (i = 0; i < s->classes; i++)
                if (s->single) of[i] = (float)g * rl_exp4(((const float *)s->log_probs)[row + i]);
                else od[i] = g * rl_exp8(((const double *)s->log_probs)[row + i]);
            for (i = 0; i < n; i++) {
                double given = g * along[i] / sum;
                if (s->single) of[labels[i]] -= (float)given; else od[labels[i]] -= given;
            }
        }
    }
    free(room);
    free(labels);
}

#endif
