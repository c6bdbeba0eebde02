/* The dot product of two runs of float32: a few products in float32, which are then added in float64. */

#ifndef RL_DOT_H
#define RL_DOT_H

#include "lanes.h"

/* Numbers in a part, of which each is a thread's. */
#define RL_DOT_PART ((Py_ssize_t)16384)

typedef struct { const float *a, *b; double *parts; Py_ssize_t n; } rl_dot;

/* Steps are parts. Each lane adds 16 products before they join the total. */
RL_CLONES static void rl_dot_parts(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_dot *d = (const rl_dot *)what;
    const Py_ssize_t W = RL_W(float);
    for (Py_ssize_t part = begin; part < end; part++) {
        Py_ssize_t i = part * RL_DOT_PART, last = i + RL_DOT_PART < d->n ? i + RL_DOT_PART : d->n;
        double total = 0;
        while (i + 4 * W <= last) {
            rl_f4 x[4], y[4], s[4] = {0};
            float lanes[4 * RL_W(float)];
            for (int step = 0; step < 16 && i + 4 * W <= last; step++, i += 4 * W) {
                memcpy(x, d->a + i, sizeof x);
                memcpy(y, d->b + i, sizeof y);
                s[0] += x[0] * y[0], s[1] += x[1] * y[1], s[2] += x[2] * y[2], s[3] += x[3] * y[3];
            }
            memcpy(lanes, s, sizeof s);
            double few[8] = {0};
            for (int k = 0; k < 4 * W; k++) few[k % 8] += lanes[k];
            total += ((few[0] + few[1]) + (few[2] + few[3])) + ((few[4] + few[5]) + (few[6] + few[7]));
        }
        for (; i < last; i++) total += (double)d->a[i] * d->b[i];
        d->parts[part] = total;
    }
}

static float rl_dot_total(const rl_dot *d) {
    double total = 0;
    for (Py_ssize_t part = 0; part * RL_DOT_PART < d->n; part++) total += d->parts[part];
    return (float)total;
}

#endif
