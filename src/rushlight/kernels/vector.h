/* exp, log and what follows from them, without branches, so that the compiler does many at once.

   Errors against exact values, in units of the last place, at most (tests/test_vector.py): exp 1, expm1 2, log 1,
   log1p 2, tanh 3, sigmoid 3, silu 3, mish 4, gelu 4, erf 3, erfc 5, exp2 1, softplus 5; one more for what is made of them. Coefficients are Chebyshev interpolants computed
   with 40 digits, or Taylor's. `x + BIG - BIG` rounds to a whole number: BIG leaves no bits for a fraction. */

#ifndef RL_VECTOR_H
#define RL_VECTOR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "special_error_fits.h"

RL_INLINE float rl_float_of(int32_t i) { float x; memcpy(&x, &i, 4); return x; }
RL_INLINE int32_t rl_bits_of4(float x) { int32_t i; memcpy(&i, &x, 4); return i; }
RL_INLINE double rl_double_of(int64_t i) { double x; memcpy(&x, &i, 8); return x; }
RL_INLINE int64_t rl_bits_of8(double x) { int64_t i; memcpy(&i, &x, 8); return i; }

#define RL_BIG4 12582912.0f
#define RL_BIG8 6755399441055744.0

/* x = k ln 2 + r with |r| <= ln 2 / 2; 2**k as two factors, of which neither overflows. */
#define RL_SPLIT4(x, k, s, t)                                              \
    float k##_ = (x) * 1.44269504f + RL_BIG4, k = k##_ - RL_BIG4;          \
    int32_t k##i = rl_bits_of4(k##_) - 0x4B400000, k##h = k##i >> 1;       \
    float s = rl_float_of((k##h + 127) << 23), t = rl_float_of((k##i - k##h + 127) << 23)
#define RL_REDUCE4(x, k, r, s, t) \
    RL_SPLIT4(x, k, s, t);        \
    float r = ((x) - k * 0.693359375f) - k * -2.12194440e-4f
/* The low half of the number that was rounded holds k. */
#define RL_SPLIT8(x, k, s, t)                                              \
    double k##_ = (x) * 1.4426950408889634 + RL_BIG8, k = k##_ - RL_BIG8;  \
    int64_t k##i = rl_bits_of8(k##_) - 0x4338000000000000 + 4096, k##h = k##i >> 1; \
    double s = rl_double_of((k##h - 2048 + 1023) << 52), t = rl_double_of((k##i - k##h - 2048 + 1023) << 52)
#define RL_REDUCE8(x, k, r, s, t) \
    RL_SPLIT8(x, k, s, t);        \
    double r = ((x) - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10

/* (e**r - 1 - r) / r**2 */
RL_INLINE float rl_bend4(float r) {
    return 0.5000000013f + r * (0.1666666668f + r * (0.04166646501f + r * (0.008333310934f + r * (0.001393364103f + r * 0.0001989098087f))));
}
RL_INLINE double rl_bend8(double r) {
    double q = r * r, q4 = q * q;
    double a = 1 / 2. + r * (1 / 6.) + q * (1 / 24. + r * (1 / 120.));
    double b = 1 / 720. + r * (1 / 5040.) + q * (1 / 40320. + r * (1 / 362880.));
    double c = 1 / 3628800. + r * (1 / 39916800.) + q * (1 / 479001600. + r * (1 / 6227020800.));
    return a + q4 * (b + q4 * c);
}

RL_INLINE float rl_exp4(float x) {
    float y = x < -104.0f ? -104.0f : x;
    y = y > 89.0f ? 89.0f : y;
    RL_REDUCE4(y, k, r, s, t);
    return (1 + (r + r * r * rl_bend4(r))) * s * t;
}
RL_INLINE double rl_exp8(double x) {
    double y = x < -746.0 ? -746.0 : x;
    y = y > 710.0 ? 710.0 : y;
    RL_REDUCE8(y, k, r, s, t);
    return (1 + (r + r * r * rl_bend8(r))) * s * t;
}

/* 2**k (e**r - 1) + (2**k - 1), with the last 1 divided by the second factor beforehand; of the sign of x, also at -0. */
RL_INLINE float rl_expm1_4(float x) {
    float y = x < -18.0f ? -18.0f : x;
    y = y > 89.0f ? 89.0f : y;
    RL_REDUCE4(y, k, r, s, t);
    float e = r + r * r * rl_bend4(r), u = rl_float_of((kh - ki + 127) << 23);
    float out = (s * e + (s - u)) * t;
    return copysignf(ki == 0 ? e : out, x);
}
RL_INLINE double rl_expm1_8(double x) {
    double y = x < -40.0 ? -40.0 : x;
    y = y > 710.0 ? 710.0 : y;
    RL_REDUCE8(y, k, r, s, t);
    double e = r + r * r * rl_bend8(r), u = rl_double_of((kh - ki + 2048 + 1023) << 52);
    double out = (s * e + (s - u)) * t;
    return copysign(k == 0 ? e : out, x);
}

/* x = 2**e (1 + f) with 1 + f between root 1/2 and root 2; log(1 + f) = 2 artanh(z), z = f / (2 + f). */
RL_INLINE float rl_log4(float x) {
    int tiny = x < 1.17549435e-38f;
    float y = tiny ? x * 8388608.0f : x;
    int32_t i = rl_bits_of4(y) - 0x3f3504f3;
    float e = (float)(i >> 23) - (tiny ? 23.0f : 0.0f), f = rl_float_of((i & 0x007fffff) + 0x3f3504f3) - 1;
    float z = f / (2 + f), w = z * z, h = 0.5f * f * f;
    float R = w * (0.6666666667f + w * (0.4f + w * (0.2857142857f + w * (0.2222222222f + w * 0.1818181818f))));
    float out = e * 0.693359375f + (f - (h - (z * (h + R) + e * -2.12194440e-4f)));
    out = x == 0 ? -INFINITY : out;
    out = x < 0 ? NAN : out;
    return x < INFINITY ? out : x;
}
RL_INLINE double rl_log8(double x) {
    int tiny = x < 2.2250738585072014e-308;
    double y = tiny ? x * 18014398509481984.0 : x;
    int64_t i = rl_bits_of8(y) - 0x3fe6a09e667f3bcd;
    /* i + 4096 * 2**52 is positive; as the low bits of BIG it becomes a double without a conversion. */
    double e = rl_double_of((int64_t)((uint64_t)(i + 0x4000000000000000) >> 52) + 0x4338000000000000) - RL_BIG8 - (tiny ? 1078.0 : 1024.0);
    double f = rl_double_of((i & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd) - 1;
    double z = f / (2 + f), w = z * z, h = 0.5 * f * f;
    double R = w * (2 / 3. + w * (2 / 5. + w * (2 / 7. + w * (2 / 9. + w * (2 / 11. + w * (2 / 13. + w * (2 / 15. + w * (2 / 17. + w * (2 / 19. + w * (2 / 21.))))))))));
    double out = e * 0.693147180369123816490 + (f - (h - (z * (h + R) + e * 1.90821492927058770002e-10)));
    out = x == 0 ? -INFINITY : out;
    out = x < 0 ? NAN : out;
    return x < INFINITY ? out : x;
}

/* 1 + x is rounded; what it lost comes back as a derivative's step. */
RL_INLINE float rl_log1p4(float x) {
    float u = 1 + x, lost = x - (u - 1);
    float step = lost / u;
    step = x > 1e8f ? 0 : step;
    step = x <= -1 ? 0 : step;
    return u == 1 ? x : rl_log4(u) + step;
}
RL_INLINE double rl_log1p8(double x) {
    double u = 1 + x, lost = x - (u - 1);
    double step = lost / u;
    step = x > 1e16 ? 0 : step;
    step = x <= -1 ? 0 : step;
    return u == 1 ? x : rl_log8(u) + step;
}

/* t / (2 + t) with t = exp(-2 |x|) - 1 */
RL_INLINE float rl_tanh4(float x) {
    float t = rl_expm1_4(-2 * fabsf(x));
    return copysignf(t / (2 + t), x);
}
RL_INLINE double rl_tanh8(double x) {
    double t = rl_expm1_8(-2 * fabs(x));
    return copysign(t / (2 + t), x);
}

/* By exp(-|x|), which does not overflow where a sigmoid is still larger than zero. */
RL_INLINE float rl_sigmoid4(float x) {
    float e = rl_exp4(-fabsf(x));
    return (x < 0 ? e : 1) / (1 + e);
}
RL_INLINE double rl_sigmoid8(double x) {
    double e = rl_exp8(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}

/* exp(x), and x exp(x) of x <= 20, which is larger than the least number where exp(x) has lost its digits already. */
RL_INLINE float rl_exp_times4(float x, float *times) {
    float y = x < -174.0f ? -174.0f : x;
    RL_REDUCE4(y, k, r, s, t);
    float m = (1 + (r + r * r * rl_bend4(r))) * s;
    *times = (m * y) * t;
    return m * t;
}
RL_INLINE double rl_exp_times8(double x, double *times) {
    double y = x < -1400.0 ? -1400.0 : x;
    RL_REDUCE8(y, k, r, s, t);
    double m = (1 + (r + r * r * rl_bend8(r))) * s;
    *times = (m * y) * t;
    return m * t;
}

/* x sigmoid(x), and x tanh(log(1 + e)) = x n / (n + 2) with n = e (e + 2). */
#define RL_GATED(SILU, MISH, T, TIMES)                                      \
    RL_INLINE T SILU(T x) {                                                 \
        T times, e = TIMES(x > 0 ? -x : x, &times);                         \
        return (x > 0 ? x : times) / (1 + e);                               \
    }                                                                       \
    RL_INLINE T MISH(T x) {                                                 \
        T times, e = TIMES(x > 20 ? 20 : x, &times), n = e * (e + 2);       \
        return x > 20 ? x : (x > 0 ? x * n : times * (e + 2)) / (n + 2);    \
    }
RL_GATED(rl_silu4, rl_mish4, float, rl_exp_times4)
RL_GATED(rl_silu8, rl_mish8, double, rl_exp_times8)

/* log(1 + e) for e between 0 and 1: 2 artanh(z) with z = e / (2 + e), at most 1/3. */
RL_INLINE float rl_log1p_unit4(float e) {
    float z = e / (2 + e), w = z * z;
    return z * (2 + w * (2 / 3.f + w * (2 / 5.f + w * (2 / 7.f + w * (2 / 9.f + w * (2 / 11.f + w * (2 / 13.f + w * (2 / 15.f + w * (2 / 17.f)))))))));
}
RL_INLINE double rl_log1p_unit8(double e) {
    double z = e / (2 + e), w = z * z, v = w * w;
    double a = 2 + w * (2 / 3.) + v * (2 / 5. + w * (2 / 7.)), b = 2 / 9. + w * (2 / 11.) + v * (2 / 13. + w * (2 / 15.));
    double c = 2 / 17. + w * (2 / 19.) + v * (2 / 21. + w * (2 / 23.)), d = 2 / 25. + w * (2 / 27.) + v * (2 / 29. + w * (2 / 31. + w * (2 / 33.)));
    return z * (a + v * v * (b + v * v * (c + v * v * d)));
}
/* The larger of x and 0, and log(1 + exp(-|x|)). */
RL_INLINE float rl_softplus4(float x) {
    float out = (x > 0 ? x : 0) + rl_log1p_unit4(rl_exp4(-fabsf(x)));
    return x != x ? x : x > 20 ? x : out;
}
RL_INLINE double rl_softplus8(double x) {
    double out = (x > 0 ? x : 0) + rl_log1p_unit8(rl_exp8(-fabs(x)));
    return x != x ? x : x > 20 ? x : out;
}

RL_INLINE float rl_logsigmoid4(float x) { return (x < 0 ? x : 0) - rl_log1p_unit4(rl_exp4(-fabsf(x))); }
RL_INLINE double rl_logsigmoid8(double x) { return (x < 0 ? x : 0) - rl_log1p_unit8(rl_exp8(-fabs(x))); }

/* 2**x: the whole part is the power, and the rest is that of e**(rest ln 2). */
RL_INLINE float rl_exp2_4(float x) {
    float y = x < -151.0f ? -151.0f : x;
    y = y > 129.0f ? 129.0f : y;
    float k_ = y + RL_BIG4, r = (y - (k_ - RL_BIG4)) * 0.693147181f;
    int32_t k = rl_bits_of4(k_) - 0x4B400000, h = k >> 1;
    return (1 + (r + r * r * rl_bend4(r))) * rl_float_of((h + 127) << 23) * rl_float_of((k - h + 127) << 23);
}
RL_INLINE double rl_exp2_8(double x) {
    double y = x < -1076.0 ? -1076.0 : x;
    y = y > 1025.0 ? 1025.0 : y;
    double k_ = y + RL_BIG8, r = (y - (k_ - RL_BIG8)) * 0.693147180559945309;
    int64_t k = rl_bits_of8(k_) - 0x4338000000000000 + 4096, h = k >> 1;
    return (1 + (r + r * r * rl_bend8(r))) * rl_double_of((h - 2048 + 1023) << 52) * rl_double_of((k - h - 2048 + 1023) << 52);
}

/* The smaller of a >= 0 and `most`, which a nan is, too. As whole numbers: what follows a choice between floats GCC
   compiles twice, once for the constant, and then computes both. SSE2 has no such comparison for 64 bits. */
RL_INLINE float rl_least4(float a, float most) {
    int32_t i = rl_bits_of4(a), m = rl_bits_of4(most);
    return rl_float_of(i < m ? i : m);
}
RL_INLINE double rl_least8(double a, double most) { return a < most ? a : most; }

/* exp(-c x**2) for c 1 or a half, and c x**2 up to 170 for floats, 1400 for doubles: the square is split, so that its
   rounding is not blown up. */
RL_INLINE float rl_exp_square4(float x, float c) {
    float high = rl_float_of(rl_bits_of4(x) & ~0xfff), low = c * ((x - high) * (x + high)), y = -c * (high * high);
    RL_SPLIT4(y - low, k, s, t);
    float r = ((y - k * 0.693359375f) - k * -2.12194440e-4f) - low;
    return (1 + (r + r * r * rl_bend4(r))) * s * t;
}
RL_INLINE double rl_exp_square8(double x, double c) {
    double high = (double)(float)x, low = c * ((x - high) * (x + high)), y = -c * (high * high);
    RL_SPLIT8(y - low, k, s, t);
    double r = ((y - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10) - low;
    return (1 + (r + r * r * rl_bend8(r))) * s * t;
}

/* exp(x**2) erfc(x) and erfc(x) for x >= 0. */
RL_INLINE float rl_erfcx_right4(float x) {
    float b = x < 1e30f ? x : 1e30f;
    return rl_fit_erfcx_f((b - 3.75f) / (b + 3.75f)) / (1 + 2 * x);
}
RL_INLINE double rl_erfcx_right8(double x) {
    double b = x < 1e300 ? x : 1e300;
    return rl_fit_erfcx((b - 3.75) / (b + 3.75)) / (1 + 2 * x);
}
RL_INLINE float rl_erfc_right4(float x) { return rl_exp_square4(rl_least4(x, 11), 1) * rl_erfcx_right4(x); }
RL_INLINE double rl_erfc_right8(double x) { return rl_exp_square8(rl_least8(x, 28), 1) * rl_erfcx_right8(x); }
/* erf of x up to 1: x times a polynomial of x**2. */
RL_INLINE float rl_erf_near4(float x) {
    float z = x * x;
    return x * (1.128379166f + z * (-0.3761262667f + z * (0.1128359472f + z * (-0.02685421201f + z * (0.005189087423f + z * (-0.0008016864287f + z * 7.875875063e-5f))))));
}
RL_INLINE float rl_erfc4(float x) {
    float a = fabsf(x), right = rl_erfc_right4(a), near = 1 - rl_erf_near4(x);
    return !(a >= 0.5f) ? near : x < 0 ? 2 - right : right;
}
RL_INLINE double rl_erfc8(double x) {
    double right = rl_erfc_right8(fabs(x));
    return x < 0 ? 2 - right : right;
}

/* Beyond 1, 1 - exp(polynomial), which 4 makes 1. */
RL_INLINE double rl_erf_near8(double x) {
    double a = fabs(x), b = a < 1 ? a : 1;
    return x * rl_fit_erf(2 * b * b - 1);
}
RL_INLINE float rl_erf4(float x) {
    float a = fabsf(x), b = a > 4 ? 4.0f : a;
    float far = -0.0003201380497f + b * (1.130233435f + b * (0.6318260516f + b * (0.1100800829f + b * (-0.02642113601f + b * (0.004759596293f + b * (-0.0005968056257f + b * (4.605804269e-5f + b * -1.637151415e-6f)))))));
    return a < 1 ? rl_erf_near4(x) : copysignf(1 - rl_exp4(-far), x);
}
RL_INLINE double rl_erf8(double x) {
    double a = fabs(x);
    return a < 1 ? rl_erf_near8(x) : copysign(1 - rl_erfc_right8(a), x);
}

/* The normal distribution function of -b, times something: erfc(b / sqrt(2)) / 2, but b itself is squared. */
RL_INLINE float rl_tail4(float b, float times) {
    return times * rl_exp_square4(b, 0.5f) * rl_fit_tail_f((3 - 1.4f * b) / (b + 3)) / (b + 3);
}
RL_INLINE double rl_tail8(double b, double times) {
    return rl_exp_square8(b, 0.5) * (rl_erfcx_right8(b * 0.707106781186547524) * (times * 0.5));
}

/* The normal distribution function, near zero by erf; of a nan, too. */
RL_INLINE float rl_ndtr4(float x) {
    float a = fabsf(x), tail = rl_tail4(rl_least4(a, 15), 1), near = 0.5f + 0.5f * rl_erf_near4(x * 0.707106781f);
    return !(a >= 0.5f) ? near : x > 0 ? 1 - tail : tail;
}
RL_INLINE double rl_ndtr8(double x) {
    double a = fabs(x), tail = rl_tail8(rl_least8(a, 39), 1), near = 0.5 + 0.5 * rl_erf_near8(x * 0.707106781186547524);
    return !(a >= 0.5) ? near : x > 0 ? 1 - tail : tail;
}
/* x times it. The shorter fit for floats is as good near zero. */
RL_INLINE float rl_gelu4(float x) {
    float b = rl_least4(fabsf(x), 15), below = rl_tail4(b, -b);
    return x < 0 ? below : x + below;
}
RL_INLINE double rl_gelu8(double x) {
    double a = fabs(x), b = rl_least8(a, 39), below = rl_tail8(b, -b);
    double near = 0.5 * x * (1 + rl_erf_near8(x * 0.707106781186547524));
    return !(a >= 0.5) ? near : x > 0 ? x + below : below;
}

/* The derivative of x times it: the function, and x times its density, of which the tail is a part. */
RL_INLINE float rl_gelu_slope4(float x) {
    float b = rl_least4(fabsf(x), 15), e = rl_exp_square4(b, 0.5f);
    float tail = e * rl_fit_tail_f((3 - 1.4f * b) / (b + 3)) / (b + 3);
    return (x > 0 ? 1 - tail : tail) + x * e * 0.398942280f;
}
RL_INLINE double rl_gelu_slope8(double x) { return rl_ndtr8(x) + x * rl_exp8(x * x * -0.5) * 0.398942280401432678; }

/* x**y as exp(y log x) in double, both to 32 bits beyond the float's range of exponents: within one place of float, for
   positive finite x and finite y. */
RL_INLINE float rl_pow4(float x, float y) {
    int64_t i = rl_bits_of8((double)x) - 0x3fe6a09e667f3bcd;
    double e = rl_double_of((int64_t)((uint64_t)(i + 0x4000000000000000) >> 52) + 0x4338000000000000) - RL_BIG8 - 1024.0;
    double f = rl_double_of((i & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd) - 1, z = f / (2 + f), w = z * z;
    double l = e * 0.693147180559945309 + z * (2 + w * (2 / 3. + w * (2 / 5. + w * (2 / 7. + w * (2 / 9. + w * (2 / 11. + w * (2 / 13.)))))));
    double p = (double)y * l;
    p = p < -150.0 ? -150.0 : p;
    p = p > 150.0 ? 150.0 : p;
    double k_ = p * 1.4426950408889634 + RL_BIG8, r = p - (k_ - RL_BIG8) * 0.693147180559945309;
    double s = rl_double_of((rl_bits_of8(k_) - 0x4338000000000000 + 1023) << 52);
    return (float)(s * (1 + r * (1 + r * (1 / 2. + r * (1 / 6. + r * (1 / 24. + r * (1 / 120. + r * (1 / 720. + r * (1 / 5040. + r * (1 / 40320.))))))))));
}

#endif
