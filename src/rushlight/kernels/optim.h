/* The optimizers: what each computes once for a parameter, and its loops. optim_meaning.py says what they mean. */

#ifndef RL_OPTIM_H
#define RL_OPTIM_H

#include <math.h>

#include "lanes.h"

#define T float
#define OF(NAME) rl_##NAME##_f4
#include "optim_loops.h"
#undef T
#undef OF
#define T double
#define OF(NAME) rl_##NAME##_f8
#include "optim_loops.h"
#undef T
#undef OF

/* From the options o and the numbers x kept beside the parameter to the numbers k of the step; moves x on. */
#define NUMBERS(NAME) static void rl_##NAME##_numbers(const double *o, double *x, double *k)
#define SLOPE(MAXIMIZE, DECAY) k[0] = (MAXIMIZE) ? -1 : 1, k[1] = (DECAY)
#define SHRINK(LR, DECAY, DECOUPLED, MAXIMIZE) \
    SLOPE(MAXIMIZE, (DECOUPLED) ? 0 : (DECAY)), k[2] = (DECOUPLED) ? 1 - (LR) * (DECAY) : 1
#define RATES(AT, BETA1, BETA2) k[AT] = (BETA1), k[AT + 1] = 1 - (BETA1), k[AT + 2] = (BETA2), k[AT + 3] = 1 - (BETA2)

/* lr, momentum, dampening, weight_decay, nesterov, maximize, first */
NUMBERS(sgd) {
    (void)x;
    SLOPE(o[5], o[3]);
    k[2] = o[0], k[3] = o[1], k[4] = 1 - o[2], k[5] = o[4], k[6] = o[6];
}
/* lr, beta1, beta2, eps, weight_decay, decoupled, maximize */
NUMBERS(adam) {
    x[0] += 1;
    SHRINK(o[0], o[4], o[5], o[6]);
    k[3] = o[0] / (1 - pow(o[1], x[0])), k[4] = sqrt(1 - pow(o[2], x[0])), k[5] = o[3];
    RATES(6, o[1], o[2]);
}
/* lr, beta1, beta2, eps, weight_decay, maximize */
NUMBERS(adamax) {
    x[0] += 1;
    SLOPE(o[5], o[4]);
    k[2] = o[0] / (1 - pow(o[1], x[0])), k[3] = o[3];
    RATES(4, o[1], o[2]);
}
/* lr, beta1, beta2, eps, weight_decay, momentum_decay, decoupled, maximize; x: count, product of momenta */
NUMBERS(nadam) {
    x[0] += 1;
    double now = o[1] * (1 - 0.5 * pow(0.96, x[0] * o[5])), soon = o[1] * (1 - 0.5 * pow(0.96, (x[0] + 1) * o[5]));
    x[1] *= now;
    SHRINK(o[0], o[4], o[6], o[7]);
    k[3] = o[0] * (1 - now) / (1 - x[1]), k[4] = o[0] * soon / (1 - x[1] * soon), k[5] = 1 - pow(o[2], x[0]), k[6] = o[3];
    RATES(7, o[1], o[2]);
}
/* lr, beta1, beta2, eps, weight_decay, decoupled, maximize */
NUMBERS(radam) {
    x[0] += 1;
    double power = pow(o[2], x[0]), end = 2 / (1 - o[2]) - 1, length = end - 2 * x[0] * power / (1 - power);
    SHRINK(o[0], o[4], o[5], o[6]);
    k[3] = o[0] / (1 - pow(o[1], x[0])), k[4] = o[3], k[9] = length > 5;
    if (k[9]) k[3] *= sqrt((length - 4) * (length - 2) * end / ((end - 4) * (end - 2) * length) * (1 - power));
    double rectified = k[9];
    RATES(5, o[1], o[2]);
    k[9] = rectified;
}
/* lr, lr_decay, weight_decay, eps, maximize */
NUMBERS(adagrad) {
    SLOPE(o[4], o[2]);
    k[2] = o[0] / (1 + x[0] * o[1]), k[3] = o[3];
    x[0] += 1;
}
/* lr, rho, eps, weight_decay, maximize */
NUMBERS(adadelta) {
    x[0] += 1;
    SLOPE(o[4], o[3]);
    k[2] = o[0], k[3] = o[2], k[4] = o[1], k[5] = 1 - o[1];
}
/* lr, alpha, eps, weight_decay, momentum, maximize */
NUMBERS(rmsprop) {
    x[0] += 1;
    SLOPE(o[5], o[3]);
    k[2] = o[0], k[3] = o[2], k[4] = o[1], k[5] = 1 - o[1], k[6] = o[4];
}
/* down, up, least, most, maximize */
NUMBERS(rprop) {
    x[0] += 1;
    SLOPE(o[4], 0);
    k[2] = o[0], k[3] = o[1], k[4] = o[2], k[5] = o[3];
}
/* lr, lambd, alpha, t0, weight_decay, maximize; x: count, eta, mu */
NUMBERS(asgd) {
    x[0] += 1;
    SLOPE(o[5], o[4]);
    k[2] = x[1], k[3] = 1 - o[1] * x[1], k[4] = x[2];
    x[1] = o[0] / pow(1 + o[1] * o[0] * x[0], o[2]);
    x[2] = 1 / (x[0] - o[3] > 1 ? x[0] - o[3] : 1);
}

#define RL_STEP_OPTIONS 8
#define RL_STEP_STATES 3

typedef void (*rl_step_numbers)(const double *o, double *x, double *k);
typedef void (*rl_step_f4)(float *, const float *, float *, float *, float *, const double *, Py_ssize_t);
typedef void (*rl_step_f8)(double *, const double *, double *, double *, double *, const double *, Py_ssize_t);
/* A formula by name: how many states, numbers beside them and options it takes. */
typedef struct {
    const char *name;
    int states, kept, options;
    rl_step_numbers numbers;
    rl_step_f4 f4;
    rl_step_f8 f8;
} rl_step;
#define ROW(NAME, STATES, KEPT, OPTIONS) {#NAME, STATES, KEPT, OPTIONS, rl_##NAME##_numbers, rl_##NAME##_f4, rl_##NAME##_f8}
static const rl_step rl_steps[] = {
    ROW(sgd, 1, 0, 7), ROW(adam, 3, 1, 7), ROW(adamax, 2, 1, 6), ROW(nadam, 2, 2, 8), ROW(radam, 2, 1, 7),
    ROW(adagrad, 1, 1, 5), ROW(adadelta, 2, 1, 5), ROW(rmsprop, 3, 1, 6), ROW(rprop, 2, 1, 5), ROW(asgd, 1, 3, 6),
};
static const int rl_steps_count = (int)(sizeof rl_steps / sizeof rl_steps[0]);
#undef ROW

/* One step of one parameter of n numbers, or of a part of it. */
typedef struct {
    const rl_step *step;
    int wide;
    Py_ssize_t n;
    char *at[2 + RL_STEP_STATES];
    double k[12];
} rl_step_call;

static void rl_step_part(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_step_call *s = (const rl_step_call *)what;
    char *at[2 + RL_STEP_STATES];
    for (int i = 0; i < 2 + RL_STEP_STATES; i++) at[i] = s->at[i] ? s->at[i] + begin * (s->wide ? 8 : 4) : NULL;
    if (s->wide) {
        s->step->f8((double *)at[0], (double *)at[1], (double *)at[2], (double *)at[3], (double *)at[4], s->k, end - begin);
    } else {
        s->step->f4((float *)at[0], (float *)at[1], (float *)at[2], (float *)at[3], (float *)at[4], s->k, end - begin);
    }
}

#undef NUMBERS
#undef SLOPE
#undef SHRINK
#undef RATES
#endif
