/* exp, log, sin and cos without branches, so that a compiler computes many at once; within 2 ulp. */

#ifndef RL_SPECIAL_ELEMENTARY_H
#define RL_SPECIAL_ELEMENTARY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __GNUC__
#define RL_INLINE static inline __attribute__((always_inline))
#else
#define RL_INLINE static inline
#endif

#include "special_elementary_fits.h"

#define RL_PI 3.14159265358979323846
#define RL_ROOT_HALF 0.70710678118654752440
#define RL_TWO_BY_ROOT_PI 1.12837916709551257390
#define RL_TWO_BY_PI 0.63661977236758134308

RL_INLINE uint64_t rl_bits8(double x) { uint64_t u; memcpy(&u, &x, 8); return u; }
RL_INLINE double rl_of_bits8(uint64_t u) { double x; memcpy(&x, &u, 8); return x; }
RL_INLINE uint32_t rl_bits4(float x) { uint32_t u; memcpy(&u, &x, 4); return u; }
RL_INLINE float rl_of_bits4(uint32_t u) { float x; memcpy(&x, &u, 4); return x; }

/* Added to a number it leaves the nearest whole number in the lowest bits. */
#define RL_ROUND8 6755399441055744.0
#define RL_ROUND4 12582912.0f

/* 2**k, where k stands in the lowest bits of `shifted`. */
RL_INLINE double rl_power8(double shifted) { return rl_of_bits8((rl_bits8(shifted) + 1023) << 52); }
RL_INLINE float rl_power4(float shifted) { return rl_of_bits4((rl_bits4(shifted) + 127) << 23); }

RL_INLINE double rl_exp(double x) {
    x = x < -746 ? -746 : x;
    x = x > 710 ? 710 : x;
    double whole = x * 1.44269504088896340736 + RL_ROUND8 - RL_ROUND8;
    double r = x - whole * 0x1.62e42fee00000p-1 - whole * 0x1.a39ef35793c76p-33;
    double p = r + r * r * rl_fit_exp(r);
    /* In two steps: 2**k alone would overflow before the result does, and lose what is subnormal. */
    double half = whole * 0.5 + RL_ROUND8;
    return (1 + p) * rl_power8(half) * rl_power8(whole - (half - RL_ROUND8) + RL_ROUND8);
}

RL_INLINE float rl_expf(float x) {
    x = x < -105 ? -105 : x;
    x = x > 89 ? 89 : x;
    float whole = x * 1.44269504f + RL_ROUND4 - RL_ROUND4;
    float r = x - whole * 0x1.62e300p-1f - whole * 0x1.2fefa2p-17f;
    float p = r + r * r * rl_fit_exp_f(r);
    float half = whole * 0.5f + RL_ROUND4;
    return (1 + p) * rl_power4(half) * rl_power4(whole - (half - RL_ROUND4) + RL_ROUND4);
}

/* exp(-c * a * a) for 0 <= a <= 1e5, c 1 or a half: the square is split, so that its rounding is not blown up. */
RL_INLINE double rl_exp_square(double a, double c) {
    double high = (double)(float)a, low = c * ((a - high) * (a + high));
    return rl_exp(-c * (high * high)) * (1 - low * (1 - low * (0.5 - low * (1.0 / 6))));
}

RL_INLINE float rl_exp_squaref(float a, float c) {
    double square = (double)c * a * a;
    float high = (float)square;
    return rl_expf(-high) * (1 - (float)(square - high));
}

/* log x = e log 2 + log m with m from sqrt(1/2) to sqrt(2), where log m = 2 atanh((m - 1) / (m + 1)). */
RL_INLINE double rl_log(double x) {
    int tiny = x < 2.2250738585072014e-308;
    double y = tiny ? x * 18014398509481984.0 : x;
    uint64_t u = rl_bits8(y) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    double e = rl_of_bits8((u >> 52) | 0x4330000000000000u) - (4503599627370496.0 + 1023);
    double f = rl_of_bits8((u & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1;
    double s = f / (2 + f), z = s * s;
    e = tiny ? e - 54 : e;
    double out = e * 0x1.62e42fee00000p-1 + (f - (s * (f - z * rl_fit_log(z)) - e * 0x1.a39ef35793c76p-33));
    out = x < INFINITY ? out : x;
    out = x == 0 ? -INFINITY : out;
    return x < 0 ? NAN : out;
}

RL_INLINE float rl_logf(float x) {
    int tiny = x < 1.17549435e-38f;
    float y = tiny ? x * 16777216.0f : x;
    uint32_t u = rl_bits4(y) + (0x3f800000u - 0x3f3504f3u);
    float e = (float)(int32_t)(u >> 23) - 127;
    float f = rl_of_bits4((u & 0x007fffffu) + 0x3f3504f3u) - 1;
    float s = f / (2 + f), z = s * s;
    e = tiny ? e - 24 : e;
    float out = e * 0x1.62e300p-1f + (f - (s * (f - z * rl_fit_log_f(z)) - e * 0x1.2fefa2p-17f));
    out = x < INFINITY ? out : x;
    out = x == 0 ? -INFINITY : out;
    return x < 0 ? NAN : out;
}

/* What rounding took from 1 + x is added to its logarithm to first order. */
RL_INLINE double rl_log1p(double x) {
    double u = 1 + x, rest = x - (u - 1), out = rl_log(u);
    return u > 0 && u < INFINITY ? out + rest / u : out;
}

/* sin and cos for |x| < 1e6: multiples of pi/2, in three parts (Cody and Waite, 1980), leave |r| <= pi/4. */
RL_INLINE void rl_sincos(double x, double *sine, double *cosine) {
    double shifted = x * RL_TWO_BY_PI + RL_ROUND8, n = shifted - RL_ROUND8;
    double r = x - n * 0x1.921fb54400000p0 - n * 0x1.0b4611a600000p-34 - n * 0x1.3198a2e037073p-69, u = r * r;
    double s = r + r * u * rl_fit_sin(u), c = 1 - u * (0.5 - u * rl_fit_cos(u));
    uint64_t quarter = rl_bits8(shifted);
    double first = quarter & 1 ? c : s, second = quarter & 1 ? s : c;
    *sine = quarter & 2 ? -first : first;
    *cosine = (quarter + 1) & 2 ? -second : second;
}

#define RL_TURNS(x) ((x) > 1e6 || (x) < -1e6)

#endif
