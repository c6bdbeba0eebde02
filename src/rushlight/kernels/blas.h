/* The BLAS that NumPy's own linear algebra is linked with, found by name in what is loaded already. Only builds with
   64-bit integers are taken: NumPy's wheels have no others. */

#ifndef RL_BLAS_H
#define RL_BLAS_H

#include <Python.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef _WIN32
#include <dlfcn.h>
#endif

#include "kernels/lanes.h"

typedef int64_t rl_int;

#ifndef _WIN32
static void *rl_find(void *library, char letter, const char *name) {
    static const char *spelled[] = {"scipy_%c%s_64_", "%c%s_64_", "%c%s$NEWLAPACK$ILP64"};
    char full[64];
    for (int i = 0; i < 3; i++) {
        void *found;
        snprintf(full, sizeof(full), spelled[i], letter, name);
        if ((found = dlsym(library, full)) != NULL) return found;
    }
    return NULL;
}
#endif

/* OpenBLAS's: how many threads it has for large matrices. */
static int (*rl_blas_threads)(void);
static void (*rl_set_blas_threads)(int n);
/* Products of float and of double. */
static void (*rl_gemm[2])(const char *, const char *, rl_int *, rl_int *, rl_int *, const void *, const void *, rl_int *,
                          const void *, rl_int *, const void *, void *, rl_int *, size_t, size_t);

/* Whether the library at `path`, or one that it is linked with, multiplies, and can be told to use no threads. */
RL_UNUSED static int rl_blas_open(const char *path) {
#ifdef _WIN32
    return 0;
#else
    void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (library == NULL) return 0;
    *(void **)&rl_blas_threads = dlsym(library, "scipy_openblas_get_num_threads64_");
    *(void **)&rl_set_blas_threads = dlsym(library, "scipy_openblas_set_num_threads64_");
    *(void **)&rl_gemm[0] = rl_find(library, 's', "gemm");
    *(void **)&rl_gemm[1] = rl_find(library, 'd', "gemm");
    return rl_blas_threads && rl_set_blas_threads && rl_gemm[0] && rl_gemm[1];
#endif
}

/* c (m, n) = a @ b for each of a batch, and with `row` what begins there is added: the same numbers to each row where
   row_step is 0. Steps count bytes. a and b lie by rows, or, where they are `turned`, by columns; a_step and b_step lead
   from one to the next. A matrix is computed in `parts` of `unit` rows, or as many columns where it is wide. */
typedef struct {
    const char *a, *b, *row;
    char *c;
    Py_ssize_t m, n, k, a_step, b_step, c_step, row_step, a_batch, b_batch, c_batch, parts, unit;
    int a_turned, b_turned, wide, is_double;
} rl_product;

static void rl_multiply_part(const rl_product *job, Py_ssize_t sample, Py_ssize_t first, Py_ssize_t last) {
    static const float floats[] = {0, 1};
    static const double doubles[] = {0, 1};
    const Py_ssize_t size = job->is_double ? 8 : 4, i = job->wide ? 0 : first, j = job->wide ? first : 0;
    const void *none = job->is_double ? (const void *)doubles : floats;
    const void *once = job->is_double ? (const void *)(doubles + 1) : floats + 1;
    rl_int m = job->wide ? job->m : last - first, n = job->wide ? last - first : job->n, k = job->k;
    rl_int a_step = job->a_step / size, b_step = job->b_step / size, c_step = job->c_step / size;
    const char *a = job->a + sample * job->a_batch + i * (job->a_turned ? size : job->a_step);
    const char *b = job->b + sample * job->b_batch + j * (job->b_turned ? job->b_step : size);
    char *c = job->c + sample * job->c_batch + i * job->c_step + j * size;
    for (Py_ssize_t r = 0; job->row && r < m; r++)
        memcpy(c + r * job->c_step, job->row + (i + r) * job->row_step + j * size, n * size);
    /* BLAS takes matrices by columns, so that these are transposes, and their product is b.T @ a.T. */
    rl_gemm[job->is_double](job->b_turned ? "T" : "N", job->a_turned ? "T" : "N", &n, &m, &k, once, b, &b_step, a, &a_step,
                            job->row ? once : none, c, &c_step, 1, 1);
}

RL_UNUSED static void rl_multiply(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_product *job = (const rl_product *)what;
    const Py_ssize_t all = job->wide ? job->n : job->m;
    for (Py_ssize_t at = begin, stop; at < end; at = stop) {
        const Py_ssize_t sample = at / job->parts, zero = sample * job->parts;
        stop = zero + job->parts < end ? zero + job->parts : end;
        const Py_ssize_t last = (stop - zero) * job->unit;
        rl_multiply_part(job, sample, (at - zero) * job->unit, last < all ? last : all);
    }
}

#endif
