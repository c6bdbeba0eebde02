/* The loops of the commonest operations: one line each for both types. RL(f) is the function f of the type, N(1.5) a
   number of it. `limit`: above so many elements NumPy's loop is ahead; RL_ANY for none. In a gradient x is the gradient. */

#ifndef RL_ELEMENTWISE_H
#define RL_ELEMENTWISE_H

#include "lanes.h"
#include "vector.h"

/* NumPy's vectorised sin, atan ... win over the C library's from about this many elements. */
#define RL_SCALAR ((Py_ssize_t)256)
#define RL_ANY ((Py_ssize_t)1 << 62)

typedef void (*loop1)(const void *, void *, Py_ssize_t);
typedef void (*loop2)(const void *, int, const void *, int, void *, Py_ssize_t);
typedef void (*loop3)(const void *, const void *, const void *, void *, Py_ssize_t);

/* The C library's functions by the names of the types. */
#define RL_LIBRARY(NAME)                                            \
    static inline float rl_c_##NAME##4(float x) { return NAME##f(x); } \
    static inline double rl_c_##NAME##8(double x) { return NAME(x); }
RL_LIBRARY(fabs)
RL_LIBRARY(sqrt)
RL_LIBRARY(sin)
RL_LIBRARY(cos)
RL_LIBRARY(tan)
RL_LIBRARY(sinh)
RL_LIBRARY(cosh)
RL_LIBRARY(asin)
RL_LIBRARY(acos)
RL_LIBRARY(atan)
RL_LIBRARY(log2)
RL_LIBRARY(log10)
static inline float rl_c_pow4(float x, float y) { return powf(x, y); }
static inline double rl_c_pow8(double x, double y) { return pow(x, y); }

#define RL_ROOT_HALF 0.707106781186547524
#define RL_SIX(x) ((x) <= -3 ? N(0) : (x) >= 3 ? N(6) : (x) + 3)
/* Times zero, -inf counts as the lowest number. */
#define RL_LOWEST(E) (x == -INFINITY ? N(-0.0) : (E))

/* Activations with the parameters that they have by default. */
#define RL_UNARY(OF)                                                                             \
    OF(neg, RL_ANY, -x)                                                                          \
    OF(abs, RL_ANY, RL(c_fabs)(x))                                                               \
    OF(square, RL_ANY, x * x)                                                                    \
    OF(cube, RL_ANY, x * x * x)                                                                  \
    OF(reciprocal, RL_ANY, 1 / x)                                                                \
    OF(sqrt, RL_ANY, RL(c_sqrt)(x))                                                              \
    OF(rsqrt, RL_ANY, 1 / RL(c_sqrt)(x))                                                         \
    OF(copy, RL_ANY, x)                                                                          \
    OF(exp, RL_ANY, RL(exp)(x))                                                                  \
    OF(expm1, RL_ANY, RL(expm1_)(x))                                                             \
    OF(exp2, RL_ANY, RL(exp2_)(x))                                                               \
    OF(log, RL_ANY, RL(log)(x))                                                                  \
    OF(log1p, RL_ANY, RL(log1p)(x))                                                              \
    OF(log2, RL_SCALAR, RL(c_log2)(x))                                                           \
    OF(log10, RL_SCALAR, RL(c_log10)(x))                                                         \
    OF(sin, RL_SCALAR, RL(c_sin)(x))                                                             \
    OF(cos, RL_SCALAR, RL(c_cos)(x))                                                             \
    OF(tan, RL_SCALAR, RL(c_tan)(x))                                                             \
    OF(sinh, RL_SCALAR, RL(c_sinh)(x))                                                           \
    OF(cosh, RL_SCALAR, RL(c_cosh)(x))                                                           \
    OF(asin, RL_SCALAR, RL(c_asin)(x))                                                           \
    OF(acos, RL_SCALAR, RL(c_acos)(x))                                                           \
    OF(atan, RL_SCALAR, RL(c_atan)(x))                                                           \
    OF(tanh, RL_ANY, RL(tanh)(x))                                                                \
    OF(erf, RL_ANY, RL(erf)(x))                                                                  \
    OF(erfc, RL_ANY, RL(erfc)(x))                                                                \
    OF(sigmoid, RL_ANY, RL(sigmoid)(x))                                                          \
    OF(logsigmoid, RL_ANY, RL(logsigmoid)(x))                                                    \
    OF(softplus, RL_ANY, RL(softplus)(x))                                                        \
    OF(silu, RL_ANY, RL(silu)(x))                                                                \
    OF(mish, RL_ANY, RL(mish)(x))                                                                \
    OF(gelu, RL_ANY, RL(gelu)(x))                                                                \
    OF(relu, RL_ANY, (x > 0 || x != x) ? x : 0)                                                  \
    OF(leaky_relu, RL_ANY, x > 0 ? x : x * N(0.01))                                              \
    OF(elu, RL_ANY, x > 0 ? x : RL(expm1_)(x))                                                   \
    OF(hardsigmoid, RL_ANY, RL_SIX(x) / 6)                                                       \
    OF(hardswish, RL_ANY, RL_LOWEST(x * (RL_SIX(x) / 6)))

#define RL_BINARY(OF)                                                                            \
    OF(add, RL_ANY, x + y)                                                                       \
    OF(sub, RL_ANY, x - y)                                                                       \
    OF(rsub, RL_ANY, y - x)                                                                      \
    OF(mul, RL_ANY, x * y)                                                                       \
    OF(div, RL_ANY, x / y)                                                                       \
    OF(maximum, RL_ANY, (x > y || x != x) ? x : y)                                               \
    OF(minimum, RL_ANY, (x < y || x != x) ? x : y)                                               \
    OF(pow, RL_ANY, RL(c_pow)(x, y))                                                             \
    OF(through_relu, RL_ANY, y <= 0 ? 0 : x)                                                     \
    OF(through_sigmoid, RL_ANY, x * (1 - y) * y)                                                 \
    OF(through_tanh, RL_ANY, x * (1 - y * y))                                                    \
    OF(through_square, RL_ANY, x * 2 * y)                                                        \
    OF(through_sqrt, RL_ANY, x / (2 * y))                                                        \
    OF(through_reciprocal, RL_ANY, -x * (y * y))                                                 \
    OF(through_abs, RL_ANY, x * ((y > 0) - (y < 0)))                                             \
    OF(through_sin, RL_SCALAR, x * RL(c_cos)(y))                                                 \
    OF(through_cos, RL_SCALAR, -x * RL(c_sin)(y))                                                \
    OF(through_silu, RL_ANY, x * (RL(sigmoid)(y) * (1 + y * (1 - RL(sigmoid)(y)))))              \
    OF(through_gelu, RL_ANY, x * RL(gelu_slope)(y))

#define RL_COMPARISONS(OF)                                                                       \
    OF(lt, x < y) OF(le, x <= y) OF(gt, x > y) OF(ge, x >= y) OF(eq, x == y) OF(ne, x != y)      \
    OF(logical_and, (x != 0) & (y != 0)) OF(logical_or, (x != 0) | (y != 0)) OF(logical_xor, (x != 0) ^ (y != 0))

#define RL_TERNARY(OF)                                                                           \
    OF(tanh_bend, x * y * z * -2)                                                                \
    OF(sigmoid_bend, x * y * (1 - z * 2))

/* A loop sees each operand with step 1 (an array) or 0 (one number for all). */
#define RL_LOOP1(NAME, SUFFIX, T, E)                                                             \
    RL_CLONES static void rl_##NAME##_##SUFFIX(const void *pa, void *po, Py_ssize_t n) {         \
        const T *a = (const T *)pa;                                                              \
        T *o = (T *)po;                                                                          \
        for (Py_ssize_t i = 0; i < n; i++) { T x = a[i]; o[i] = E; }                             \
    }
#define RL_LOOP2(NAME, SUFFIX, T, R, E)                                                          \
    RL_TWO_CLONES static void rl_##NAME##_##SUFFIX(const void *pa, int sa, const void *pb, int sb, void *po, Py_ssize_t n) { \
        const T *a = (const T *)pa, *b = (const T *)pb;                                          \
        R *o = (R *)po;                                                                          \
        Py_ssize_t i;                                                                            \
        T x, y;                                                                                  \
        if (sa && sb) for (i = 0; i < n; i++) { x = a[i]; y = b[i]; o[i] = E; }                  \
        else if (sa) { y = *b; for (i = 0; i < n; i++) { x = a[i]; o[i] = E; } }                 \
        else if (sb) { x = *a; for (i = 0; i < n; i++) { y = b[i]; o[i] = E; } }                 \
        else if (n) { x = *a; y = *b; R r = E; for (i = 0; i < n; i++) o[i] = r; }               \
    }
#define RL_LOOP3(NAME, SUFFIX, T, E)                                                             \
    RL_CLONES static void rl_##NAME##_##SUFFIX(const void *pa, const void *pb, const void *pc, void *po, Py_ssize_t n) { \
        const T *a = (const T *)pa, *b = (const T *)pb, *c = (const T *)pc;                      \
        T *o = (T *)po;                                                                          \
        for (Py_ssize_t i = 0; i < n; i++) { T x = a[i], y = b[i], z = c[i]; o[i] = E; }         \
    }

#define RL(F) rl_##F##4
#define N(X) ((float)(X))
#define RL_F1(NAME, LIMIT, E) RL_LOOP1(NAME, f4, float, E)
#define RL_F2(NAME, LIMIT, E) RL_LOOP2(NAME, f4, float, float, E)
#define RL_FC(NAME, E) RL_LOOP2(NAME, f4, float, unsigned char, E)
#define RL_F3(NAME, E) RL_LOOP3(NAME, f4, float, E)
RL_UNARY(RL_F1)
RL_BINARY(RL_F2)
RL_COMPARISONS(RL_FC)
RL_TERNARY(RL_F3)
#undef RL
#undef N
#define RL(F) rl_##F##8
#define N(X) ((double)(X))
#define RL_D1(NAME, LIMIT, E) RL_LOOP1(NAME, f8, double, E)
#define RL_D2(NAME, LIMIT, E) RL_LOOP2(NAME, f8, double, double, E)
#define RL_DC(NAME, E) RL_LOOP2(NAME, f8, double, unsigned char, E)
#define RL_D3(NAME, E) RL_LOOP3(NAME, f8, double, E)
RL_UNARY(RL_D1)
RL_BINARY(RL_D2)
RL_COMPARISONS(RL_DC)
RL_TERNARY(RL_D3)
#undef RL
#undef N

/* Powers of many numbers: by exp and log in double where the base is positive and all is finite, else by the library.
   A block is finished before any of it is written, as the result may lie where the bases are. */
RL_CLONES static void rl_powers_f4(const void *pa, int sa, const void *pb, int sb, void *po, Py_ssize_t n) {
    const float *a = (const float *)pa, *b = (const float *)pb;
    float block[256], *o = (float *)po;
    for (Py_ssize_t begin = 0; begin < n; begin += 256) {
        const int count = n - begin < 256 ? (int)(n - begin) : 256;
        int odd = 0;
        for (int i = 0; i < count; i++) {
            float x = a[(begin + i) * sa], y = b[(begin + i) * sb];
            block[i] = rl_pow4(x, y);
            odd += !((x > 0) & (x < INFINITY) & (y < INFINITY) & (y > -INFINITY));
        }
        for (int i = 0; odd && i < count; i++) {
            float x = a[(begin + i) * sa], y = b[(begin + i) * sb];
            if (!(x > 0 && x < INFINITY && y < INFINITY && y > -INFINITY)) block[i] = powf(x, y);
        }
        memcpy(o + begin, block, (size_t)count * sizeof(float));
    }
}

typedef struct { const char *name; loop1 f4, f8; Py_ssize_t limit; } rl_unary;
typedef struct { const char *name; loop2 f4, f8; Py_ssize_t limit; } rl_binary;
typedef struct { const char *name; loop3 f4, f8; } rl_ternary;
#define RL_ROW1(NAME, LIMIT, E) {#NAME, rl_##NAME##_f4, rl_##NAME##_f8, LIMIT},
#define RL_ROW2(NAME, E) {#NAME, rl_##NAME##_f4, rl_##NAME##_f8, RL_ANY},
#define RL_ROW3(NAME, E) {#NAME, rl_##NAME##_f4, rl_##NAME##_f8},
static const rl_unary rl_unaries[] = {RL_UNARY(RL_ROW1)};
static const rl_binary rl_binaries[] = {RL_BINARY(RL_ROW1)}, rl_comparisons[] = {RL_COMPARISONS(RL_ROW2)};
static const rl_ternary rl_ternaries[] = {RL_TERNARY(RL_ROW3)};
#define RL_COUNT(TABLE) ((int)(sizeof TABLE / sizeof TABLE[0]))
static const int rl_unary_count = RL_COUNT(rl_unaries), rl_binary_count = RL_COUNT(rl_binaries);
static const int rl_comparison_count = RL_COUNT(rl_comparisons), rl_ternary_count = RL_COUNT(rl_ternaries);

#endif
