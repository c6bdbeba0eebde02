/* sin and cos without branches, so that a compiler computes many at once; within 2 ulp. Constants of their kind. */

#ifndef RL_SPECIAL_ELEMENTARY_H
#define RL_SPECIAL_ELEMENTARY_H

#include "lanes.h"
#include "special_elementary_fits.h"
#include "vector.h"

#define RL_PI 3.14159265358979323846
#define RL_ROOT_HALF 0.70710678118654752440
#define RL_TWO_BY_ROOT_PI 1.12837916709551257390
#define RL_TWO_BY_PI 0.63661977236758134308

/* sin and cos for |x| < 1e6: multiples of pi/2, in three parts (Cody and Waite, 1980), leave |r| <= pi/4. */
RL_INLINE void rl_sincos(double x, double *sine, double *cosine) {
    double shifted = x * RL_TWO_BY_PI + RL_BIG8, n = shifted - RL_BIG8;
    double r = x - n * 0x1.921fb54400000p0 - n * 0x1.0b4611a600000p-34 - n * 0x1.3198a2e037073p-69, u = r * r;
    double s = r + r * u * rl_fit_sin(u), c = 1 - u * (0.5 - u * rl_fit_cos(u));
    int64_t quarter = rl_bits_of8(shifted);
    double first = quarter & 1 ? c : s, second = quarter & 1 ? s : c;
    *sine = quarter & 2 ? -first : first;
    *cosine = (quarter + 1) & 2 ? -second : second;
}

#define RL_TURNS(x) ((x) > 1e6 || (x) < -1e6)

#endif
