/* The LAPACK that NumPy's own linear algebra is linked with, found by name in what is loaded already. Only builds with
   64-bit integers are taken: NumPy's wheels have no others. */

#ifndef RL_LAPACK_H
#define RL_LAPACK_H

#include "kernels/blas.h"

/* The same for float, double, and complex numbers of both; character arguments are followed by their lengths. */
typedef struct {
    void (*getrf)(rl_int *m, rl_int *n, void *a, rl_int *lda, rl_int *pivots, rl_int *info);
    void (*getrs)(const char *trans, rl_int *n, rl_int *columns, void *a, rl_int *lda, rl_int *pivots, void *b,
                  rl_int *ldb, rl_int *info, size_t);
    void (*getri)(rl_int *n, void *a, rl_int *lda, rl_int *pivots, void *work, rl_int *size, rl_int *info);
    void (*trsm)(const char *side, const char *uplo, const char *trans, const char *diag, rl_int *m, rl_int *n,
                 const void *alpha, const void *a, rl_int *lda, void *b, rl_int *ldb, size_t, size_t, size_t, size_t);
    void (*sytrf)(const char *uplo, rl_int *n, void *a, rl_int *lda, rl_int *pivots, void *work, rl_int *size,
                  rl_int *info, size_t);
    void (*hetrf)(const char *uplo, rl_int *n, void *a, rl_int *lda, rl_int *pivots, void *work, rl_int *size,
                  rl_int *info, size_t);
    void (*sytrs)(const char *uplo, rl_int *n, rl_int *columns, const void *a, rl_int *lda, const rl_int *pivots, void *b,
                  rl_int *ldb, rl_int *info, size_t);
    void (*hetrs)(const char *uplo, rl_int *n, rl_int *columns, const void *a, rl_int *lda, const rl_int *pivots, void *b,
                  rl_int *ldb, rl_int *info, size_t);
    void (*orgqr)(rl_int *m, rl_int *n, rl_int *k, void *a, rl_int *lda, const void *tau, void *work, rl_int *size,
                  rl_int *info);
    void (*geqrf)(rl_int *m, rl_int *n, void *a, rl_int *lda, void *tau, void *work, rl_int *size, rl_int *info);
    void (*ormqr)(const char *side, const char *trans, rl_int *m, rl_int *n, rl_int *k, void *a, rl_int *lda,
                  const void *tau, void *c, rl_int *ldc, void *work, rl_int *size, rl_int *info, size_t, size_t);
    /* Not for complex numbers, where it has one argument more. */
    void (*gelsy)(rl_int *m, rl_int *n, rl_int *columns, void *a, rl_int *lda, void *b, rl_int *ldb, rl_int *order,
                  const void *rcond, rl_int *rank, void *work, rl_int *size, rl_int *info);
} rl_lapack;

static rl_lapack rl_routines[4];

/* Whether all of them are there, in the library at `path` or in one that it is linked with. */
static int rl_lapack_open(const char *path) {
#ifdef _WIN32
    return 0;
#else
    static const char letters[] = "sdcz";
    void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (library == NULL) return 0;
    for (int i = 0; i < 4; i++) {
        rl_lapack *r = rl_routines + i;
        *(void **)&r->getrf = rl_find(library, letters[i], "getrf");
        *(void **)&r->getrs = rl_find(library, letters[i], "getrs");
        *(void **)&r->getri = rl_find(library, letters[i], "getri");
        *(void **)&r->trsm = rl_find(library, letters[i], "trsm");
        *(void **)&r->sytrf = rl_find(library, letters[i], "sytrf");
        *(void **)&r->hetrf = rl_find(library, letters[i], i < 2 ? "sytrf" : "hetrf");
        *(void **)&r->sytrs = rl_find(library, letters[i], "sytrs");
        *(void **)&r->hetrs = rl_find(library, letters[i], i < 2 ? "sytrs" : "hetrs");
        *(void **)&r->orgqr = rl_find(library, letters[i], i < 2 ? "orgqr" : "ungqr");
        *(void **)&r->geqrf = rl_find(library, letters[i], "geqrf");
        *(void **)&r->ormqr = rl_find(library, letters[i], i < 2 ? "ormqr" : "unmqr");
        *(void **)&r->gelsy = rl_find(library, letters[i], "gelsy");
        if (!r->getrf || !r->getrs || !r->getri || !r->trsm || !r->sytrf || !r->hetrf || !r->sytrs || !r->hetrs ||
            !r->orgqr || !r->geqrf || !r->ormqr || !r->gelsy)
            return 0;
    }
    return 1;
#endif
}

#endif
