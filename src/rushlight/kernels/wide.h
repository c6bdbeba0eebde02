/* Sums of float32 numbers that meet in one place, in any number: added to a table in float64, rounded once at the end.

   A table that is much larger than what is added has only those of its elements copied that are added to. One that is
   short is copied to the stack, whether many meet or not: to count them would take longer. */

#ifndef RL_WIDE_H
#define RL_WIDE_H

#include <stdint.h>

#include "lanes.h"

/* So many are added in float32, where no place is met by more: they cannot lose more than a millionth. */
#define RL_FEW 16
/* Places of a short table. */
#define RL_SHORT 2048

/* Places are counted in pairs: half the memory. */
#define RL_PAIRS(places) (((places) + 1) / 2)
/* Indices that are worth counting by two threads, each for itself. */
#define RL_WORTH_TWO 65536

/* Whether two counts make more than RL_FEW anywhere. */
RL_CLONES static int rl_many(const uint8_t *a, const uint8_t *b, Py_ssize_t n) {
    uint8_t most = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        const uint8_t sum = (uint8_t)(a[i] + b[i]);
        most = sum > most ? sum : most;
    }
    return most > RL_FEW;
}

typedef struct { double *wide; float *narrow; } rl_copies;

RL_CLONES static void rl_widen(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_copies *c = (const rl_copies *)what;
    for (Py_ssize_t i = begin; i < end; i++) c->wide[i] = c->narrow[i];
}

RL_CLONES static void rl_narrow(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_copies *c = (const rl_copies *)what;
    for (Py_ssize_t i = begin; i < end; i++) c->narrow[i] = (float)c->wide[i];
}

#endif
