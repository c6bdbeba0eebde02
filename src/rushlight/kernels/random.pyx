# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, binding=False
"""Loops of the Mersenne Twister; `twister` says in NumPy what each of them does.

`words` is always a uint32 array of 625: the 624 words of the twister, then how many of them are consumed
(0 after seeding: nothing twisted yet). `out` is one-dimensional and contiguous, of the dtype that the name says.
"""

cimport numpy as cnp
from libc.math cimport ceil, cos, exp, fabs, floor, fma, lgamma, log, log1p, sin, sqrt, tan
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cnp.import_array()

cdef enum:
    SIZE = 624
    SHIFT = 397
    CHUNK = 256

cdef extern from *:
    """
    #include <math.h>
    #include <stdint.h>
    #include <string.h>

    /* The bulk of the work is vectors of eight; one machine code serves old processors, another newer ones. */
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
    #define RL_TWO_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
    #else
    #define RL_TWO_CLONES
    #endif
    #define RL_INLINE static inline __attribute__((always_inline))
    #define RL_LANES 256

    /* a * b + c of floats, rounded once. The product is exact in double, so it does not matter whether the
       compiler contracts; the products of floats added below are exact too. */
    #define RL_FUSED(a, b, c) ((float)((double)(a) * (double)(b) + (double)(c)))

    /* sqrt(-2 log(1 - u)) with Cephes' polynomial. */
    RL_INLINE void rl_radius(const float *u, float *radius, int n)
    {
        uint32_t bits[RL_LANES];
        float exponent[RL_LANES];
        int i;
        for (i = 0; i < n; i++) radius[i] = 1.0f - u[i];
        memcpy(bits, radius, n * sizeof(float));
        for (i = 0; i < n; i++) {
            exponent[i] = (float)((int32_t)(bits[i] >> 23) - 126);
            bits[i] = (bits[i] & 0x807FFFFFu) | 0x3F000000u;
        }
        memcpy(radius, bits, n * sizeof(float));
        for (i = 0; i < n; i++) {
            float m = radius[i], small = (float)(m < 0.707106781186547524f);
            float e = exponent[i] - small, x = (m - 1.0f) + m * small, z = x * x, y;
            y = RL_FUSED(7.0376836292e-2f, x, -1.1514610310e-1f);
            y = RL_FUSED(y, x, 1.1676998740e-1f);
            y = RL_FUSED(y, x, -1.2420140846e-1f);
            y = RL_FUSED(y, x, 1.4249322787e-1f);
            y = RL_FUSED(y, x, -1.6668057665e-1f);
            y = RL_FUSED(y, x, 2.0000714765e-1f);
            y = RL_FUSED(y, x, -2.4999993993e-1f);
            y = RL_FUSED(y, x, 3.3333331174e-1f);
            y = RL_FUSED(y * x, z, e * -2.12194440e-4f) - z * 0.5f;
            radius[i] = sqrtf(-2.0f * ((x + y) + e * 0.693359375f));
        }
    }

    /* The cosine and sine of 2 pi u, u in `sine`. Factors of 0, 1 and -1 stand for branches. */
    RL_INLINE void rl_turn(float *cosine, float *sine, int n)
    {
        int i;
        for (i = 0; i < n; i++) {
            float x = 6.283185307179586f * sine[i], q, z, c, s, swap;
            int32_t octant = ((int32_t)(x * 1.27323954473516f) + 1) & ~1;
            q = (float)octant;
            x = RL_FUSED(q, -0.78515625f, x);
            x = RL_FUSED(q, -2.4187564849853515625e-4f, x);
            x = RL_FUSED(q, -3.77489497744594108e-8f, x);
            z = x * x;
            c = RL_FUSED(2.443315711809948e-5f, z, -1.388731625493765e-3f);
            c = RL_FUSED(c, z, 4.166664568298827e-2f);
            c = RL_FUSED(c * z, z, z * -0.5f) + 1.0f;
            s = RL_FUSED(-1.9515295891e-4f, z, 8.3321608736e-3f);
            s = RL_FUSED(s, z, -1.6666654611e-1f);
            s = RL_FUSED(s * z, x, x);
            swap = (float)((octant >> 1) & 1);
            cosine[i] = (c * (1.0f - swap) + s * swap) * (float)(1 - (((octant + 2) >> 1) & 2));
            sine[i] = (s * (1.0f - swap) + c * swap) * (float)(1 - ((octant >> 1) & 2));
        }
    }

    /* Turn blocks of sixteen uniforms into normals: eight give the radii, eight the angles. */
    RL_TWO_CLONES static void rl_box_muller(float *x, Py_ssize_t n, float mean, float std)
    {
        float radius[RL_LANES], cosine[RL_LANES], sine[RL_LANES];
        Py_ssize_t left;
        for (left = n / 2; left > 0; left -= RL_LANES) {
            int lanes = left < RL_LANES ? (int)left : RL_LANES, i, j;
            for (i = 0; i < lanes; i += 8)
                for (j = 0; j < 8; j++) {
                    cosine[i + j] = x[2 * i + j];
                    sine[i + j] = x[2 * i + 8 + j];
                }
            rl_radius(cosine, radius, lanes);
            rl_turn(cosine, sine, lanes);
            for (i = 0; i < lanes; i++) {
                cosine[i] = RL_FUSED(radius[i] * cosine[i], std, mean);
                sine[i] = RL_FUSED(radius[i] * sine[i], std, mean);
            }
            for (i = 0; i < lanes; i += 8)
                for (j = 0; j < 8; j++) {
                    x[2 * i + j] = cosine[i + j];
                    x[2 * i + 8 + j] = sine[i + j];
                }
            x += 2 * RL_LANES;
        }
    }
    """
    void rl_box_muller(float* x, Py_ssize_t n, float mean, float std) noexcept nogil

cdef double TWO_PI = 6.283185307179586


cdef inline uint32_t mixed(uint32_t high, uint32_t low) noexcept nogil:
    cdef uint32_t y = (high & <uint32_t>0x80000000) | (low & <uint32_t>0x7FFFFFFF)
    return (y >> 1) ^ ((0 - (y & 1)) & <uint32_t>0x9908B0DF)


cdef void twist(uint32_t* s) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(SIZE - SHIFT):
        s[i] = s[i + SHIFT] ^ mixed(s[i], s[i + 1])
    for i in range(SIZE - SHIFT, SIZE - 1):
        s[i] = s[i + SHIFT - SIZE] ^ mixed(s[i], s[i + 1])
    s[SIZE - 1] = s[SHIFT - 1] ^ mixed(s[SIZE - 1], s[0])
    s[SIZE] = 0


cdef inline uint32_t tempered(uint32_t y) noexcept nogil:
    y ^= y >> 11
    y ^= (y << 7) & <uint32_t>0x9D2C5680
    y ^= (y << 15) & <uint32_t>0xEFC60000
    return y ^ (y >> 18)


cdef inline Py_ssize_t ready(uint32_t* s, Py_ssize_t wanted) noexcept nogil:
    """How many of the wanted words lie ready from s + s[SIZE] on; at least one."""
    if s[SIZE] == 0 or s[SIZE] == SIZE:
        twist(s)
    return min(wanted, <Py_ssize_t>(SIZE - s[SIZE]))


cdef void fill_raw32(uint32_t* s, uint32_t* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t done = 0, k, i
    cdef uint32_t* p
    while done < n:
        k = ready(s, n - done)
        p = s + s[SIZE]
        for i in range(k):
            out[done + i] = tempered(p[i])
        s[SIZE] += <uint32_t>k
        done += k


cdef void fill_raw64(uint32_t* s, uint64_t* out, Py_ssize_t n) noexcept nogil:
    cdef uint32_t halves[2 * CHUNK]
    cdef Py_ssize_t done = 0, k, i
    while done < n:
        k = min(n - done, <Py_ssize_t>CHUNK)
        fill_raw32(s, halves, 2 * k)
        for i in range(k):
            out[done + i] = (<uint64_t>halves[2 * i] << 32) | halves[2 * i + 1]
        done += k


cdef void fill_uniform64(uint32_t* s, double* out, Py_ssize_t n) noexcept nogil:
    cdef uint64_t block[CHUNK]
    cdef Py_ssize_t done = 0, k, i
    while done < n:
        k = min(n - done, <Py_ssize_t>CHUNK)
        fill_raw64(s, block, k)
        for i in range(k):
            out[done + i] = <double><int64_t>(block[i] & <uint64_t>0x1FFFFFFFFFFFFF) * (1.0 / 9007199254740992.0)
        done += k


cdef void fill_uniform32(uint32_t* s, float* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t done = 0, k, i
    cdef uint32_t* p
    while done < n:
        k = ready(s, n - done)
        p = s + s[SIZE]
        for i in range(k):
            out[done + i] = <float><int32_t>(tempered(p[i]) & 0xFFFFFF) * <float>(1.0 / 16777216.0)
        s[SIZE] += <uint32_t>k
        done += k


def seed(cnp.ndarray words, uint32_t value):
    cdef uint32_t* s = <uint32_t*>cnp.PyArray_DATA(words)
    cdef uint32_t i
    s[0] = value
    for i in range(1, <uint32_t>SIZE):
        s[i] = <uint32_t>1812433253 * (s[i - 1] ^ (s[i - 1] >> 30)) + i
    s[SIZE] = 0


def raw32(cnp.ndarray words, cnp.ndarray out):
    cdef uint32_t* s = <uint32_t*>cnp.PyArray_DATA(words)
    cdef uint32_t* p = <uint32_t*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out)
    with nogil:
        fill_raw32(s, p, n)


def raw64(cnp.ndarray words, cnp.ndarray out):
    cdef uint32_t* s = <uint32_t*>cnp.PyArray_DATA(words)
    cdef uint64_t* p = <uint64_t*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out)
    with nogil:
        fill_raw64(s, p, n)


def uniform_float64(cnp.ndarray words, cnp.ndarray out):
    cdef uint32_t* s = <uint32_t*>cnp.PyArray_DATA(words)
    cdef double* p = <double*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out)
    with nogil:
        fill_uniform64(s, p, n)


def uniform_float32(cnp.ndarray words, cnp.ndarray out, double low, double span):
    cdef uint32_t* s = <uint32_t*>cnp.PyArray_DATA(words)
    cdef float* p = <float*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out), i
    with nogil:
        fill_uniform32(s, p, n)
        if low != 0 or span != 1:
            for i in range(n):
                p[i] = <float>(p[i] * span + low)


def integers(cnp.ndarray words, cnp.ndarray out, uint64_t span, int64_t base, bint wide):
    cdef uint32_t* s = <uint32_t*>cnp.PyArray_DATA(words)
    cdef int64_t* p = <int64_t*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out), done = 0, k, i
    cdef uint32_t narrow_span = <uint32_t>span
    cdef uint32_t narrow[CHUNK]
    cdef uint64_t block[CHUNK]
    with nogil:
        while done < n:
            k = min(n - done, <Py_ssize_t>CHUNK)
            if wide:
                fill_raw64(s, block, k)
                for i in range(k):
                    p[done + i] = <int64_t>((block[i] if span == 0 else block[i] % span) + <uint64_t>base)
            else:
                fill_raw32(s, narrow, k)
                for i in range(k):
                    p[done + i] = <int64_t>(narrow[i] % narrow_span) + base
            done += k


def permute(cnp.ndarray words, cnp.ndarray out, bint wide):
    cdef uint32_t* s = <uint32_t*>cnp.PyArray_DATA(words)
    cdef int64_t* p = <int64_t*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out)
    with nogil:
        if wide:
            build_shuffled(s, p, n)
        else:
            shuffle(s, p, n)


cdef void shuffle(uint32_t* s, int64_t* p, Py_ssize_t n) noexcept nogil:
    cdef uint32_t block[CHUNK]
    cdef Py_ssize_t at = 0, other, k, i
    cdef int64_t kept
    for i in range(n):
        p[i] = i
    while at < n - 1:
        k = min(n - 1 - at, <Py_ssize_t>CHUNK)
        fill_raw32(s, block, k)
        for i in range(k):
            other = at + <Py_ssize_t>(block[i] % <uint32_t>(n - at))
            kept = p[at]
            p[at] = p[other]
            p[other] = kept
            at += 1


cdef void build_shuffled(uint32_t* s, int64_t* p, Py_ssize_t n) noexcept nogil:
    cdef uint64_t block[CHUNK]
    cdef Py_ssize_t at = 0, other, k, i
    while at < n:
        k = min(n - at, <Py_ssize_t>CHUNK)
        fill_raw64(s, block, k)
        for i in range(k):
            other = <Py_ssize_t>(block[i] % <uint64_t>(at + 1))
            p[at] = p[other]
            p[other] = at
            at += 1


def normal_float32(cnp.ndarray words, cnp.ndarray out, double mean, double std, bint spends=True):
    cdef uint32_t* s = <uint32_t*>cnp.PyArray_DATA(words)
    cdef float* p = <float*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out), whole = n - n % 16
    with nogil:
        fill_uniform32(s, p, whole)
        rl_box_muller(p, whole, <float>mean, <float>std)
        if whole < n:
            if spends:
                fill_uniform32(s, p + whole, n - whole)
            fill_uniform32(s, p + n - 16, 16)
            rl_box_muller(p + n - 16, 16, <float>mean, <float>std)


def normal_float64(cnp.ndarray words, cnp.ndarray out, double mean, double std):
    cdef uint32_t* s = <uint32_t*>cnp.PyArray_DATA(words)
    cdef double* p = <double*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out), whole = n - n % 16
    with nogil:
        fill_uniform64(s, p, n)
        box_muller64(p, whole, mean, std)
        if whole < n:
            fill_uniform64(s, p + n - 16, 16)
            box_muller64(p + n - 16, 16, mean, std)


cdef void box_muller64(double* p, Py_ssize_t n, double mean, double std) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef double radius, theta
    for i in range(0, n, 16):
        for j in range(i, i + 8):
            radius = sqrt(-2.0 * log(1.0 - p[j]))
            theta = TWO_PI * p[j + 8]
            p[j] = fma(radius * cos(theta), std, mean)
            p[j + 8] = fma(radius * sin(theta), std, mean)


def normal_pairs(cnp.ndarray words, cnp.ndarray out):
    cdef uint32_t* s = <uint32_t*>cnp.PyArray_DATA(words)
    cdef double* p = <double*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out), i
    cdef double radius, theta
    with nogil:
        fill_uniform64(s, p, n)
        for i in range(0, n, 2):
            radius = sqrt(-2.0 * log1p(-p[i + 1]))
            theta = TWO_PI * p[i]
            p[i] = radius * cos(theta)
            p[i + 1] = radius * sin(theta)


def fused(cnp.ndarray x, double scale, double shift):
    cdef double* p = <double*>cnp.PyArray_DATA(x)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x), i
    with nogil:
        for i in range(n):
            p[i] = fma(p[i], scale, shift)


# -- counts, one after the other; `counts.py` says where they are from


cdef inline uint32_t word(uint32_t* s) noexcept nogil:
    if s[SIZE] == 0 or s[SIZE] == SIZE:
        twist(s)
    s[SIZE] += 1
    return tempered(s[s[SIZE] - 1])


cdef inline double uniform(uint32_t* s) noexcept nogil:
    cdef uint64_t high = word(s)
    cdef uint64_t bits = (high << 32) | word(s)
    return <double><int64_t>(bits & <uint64_t>0x1FFFFFFFFFFFFF) * (1.0 / 9007199254740992.0)


def poisson(cnp.ndarray words, cnp.ndarray out):
    cdef uint32_t* s = <uint32_t*>cnp.PyArray_DATA(words)
    cdef double* p = <double*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out), i
    with nogil:
        for i in range(n):
            p[i] = one_poisson(s, p[i])


cdef double one_poisson(uint32_t* s, double rate) noexcept nogil:
    cdef double least, product = 1.0, count = 0
    if rate >= 10:
        return poisson_by_rejection(s, rate)
    if rate == 0:
        return 0
    least = exp(-rate)
    while True:
        product *= uniform(s)
        if not product > least:
            return count
        count += 1


cdef double poisson_by_rejection(uint32_t* s, double rate) noexcept nogil:
    cdef double root = sqrt(rate), log_rate = log(rate), b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b
    cdef double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), quick = 0.9277 - 3.6224 / (b - 2), u, v, us, k
    while True:
        u = uniform(s) - 0.5
        v = uniform(s)
        us = 0.5 - fabs(u)
        k = floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= quick:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        if log(v) + log(inverse_alpha) - log(a / (us * us) + b) <= -rate + k * log_rate - lgamma(k + 1):
            return k


def binomial(cnp.ndarray words, cnp.ndarray out, cnp.ndarray probs):
    cdef uint32_t* s = <uint32_t*>cnp.PyArray_DATA(words)
    cdef double* p = <double*>cnp.PyArray_DATA(out)
    cdef double* q = <double*>cnp.PyArray_DATA(probs)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out), i
    with nogil:
        for i in range(n):
            p[i] = one_binomial(s, p[i], q[i])


cdef double one_binomial(uint32_t* s, double count, double prob) noexcept nogil:
    if count != count or prob != prob:
        return count + prob
    if count <= 0 or prob <= 0:
        return 0
    if prob >= 1 or count - count != 0:
        return count
    return count - fewer(s, count, 1.0 - prob) if prob > 0.5 else fewer(s, count, prob)


cdef double fewer(uint32_t* s, double count, double prob) noexcept nogil:
    cdef double trials = 0, successes = 0, log_failure
    if count * prob >= 10:
        return binomial_by_rejection(s, count, prob)
    log_failure = log1p(-prob)
    while True:
        trials += ceil(log(uniform(s)) / log_failure)
        if trials > count:
            return successes
        successes += 1


cdef double* STIRLING = [
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
    0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
]


cdef inline double stirling(double k) noexcept nogil:
    cdef double square = (k + 1) * (k + 1)
    if k <= 9:
        return STIRLING[<int>k]
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)


cdef double binomial_by_rejection(uint32_t* s, double count, double prob) noexcept nogil:
    cdef double deviation = sqrt(count * prob * (1 - prob)), b = 1.15 + 2.53 * deviation
    cdef double a = -0.0873 + 0.0248 * b + 0.01 * prob, centre = count * prob + 0.5, quick = 0.92 - 4.2 / b
    cdef double odds = prob / (1 - prob), alpha = (2.83 + 5.1 / b) * deviation, mode = floor((count + 1) * prob)
    cdef double u, v, us, k
    while True:
        u = uniform(s) - 0.5
        v = uniform(s)
        us = 0.5 - fabs(u)
        k = floor((2 * a / us + b) * u + centre)
        if us >= 0.07 and v <= quick:
            return k
        if k < 0 or k > count:
            continue
        v = log(v * alpha / (a / (us * us) + b))
        if v <= (
            (mode + 0.5) * log((mode + 1) / (odds * (count - mode + 1)))
            + (count + 1) * log((count - mode + 1) / (count - k + 1))
            + (k + 0.5) * log(odds * (count - k + 1) / (k + 1))
            + stirling(mode) + stirling(count - mode) - stirling(k) - stirling(count - k)
        ):
            return k


def turn_back(cnp.ndarray x, double high, double low):
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        replace(<float*>cnp.PyArray_DATA(x), cnp.PyArray_SIZE(x), <float>high, <float>low)
    else:
        replace(<double*>cnp.PyArray_DATA(x), cnp.PyArray_SIZE(x), high, low)


ctypedef fused real:
    float
    double


cdef void replace(real* p, Py_ssize_t n, real high, real low) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        p[i] = low if p[i] == high else p[i]


ctypedef double (*function)(double) noexcept nogil

cdef function found(str name) except NULL:
    if name == "log":
        return log
    if name == "log1p":
        return log1p
    if name == "sin":
        return sin
    if name == "cos":
        return cos
    if name == "tan":
        return tan
    if name == "exp":
        return exp
    raise KeyError(name)


def libm(str name, cnp.ndarray x):
    cdef function f = found(name)
    cdef cnp.ndarray out = cnp.PyArray_NewCopy(x, cnp.NPY_CORDER)
    cdef double* p = <double*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out), i
    with nogil:
        for i in range(n):
            p[i] = f(p[i])
    return out
