/* Sums of float32 numbers that meet in one place, in any number: added to a table in float64, rounded once at the end.

   A table that is much larger than what is added has only those of its elements copied that are added to. One that is
   short is copied to the stack, whether many meet or not: to count them would take longer. */

#ifndef RL_WIDE_H
#define RL_WIDE_H

#include "lanes.h"

/* So many are added in float32, where no place is met by more: they cannot lose more than a millionth. */
#define RL_FEW 16
/* Places of a short table. */
#define RL_SHORT 2048

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
