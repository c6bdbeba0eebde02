/* Polynomials of the elementary functions. Written by tools/special_fits.py. */

#ifndef RL_SPECIAL_ELEMENTARY_FITS_H
#define RL_SPECIAL_ELEMENTARY_FITS_H

#include "lanes.h"

/* (sin(r) - r) / r**3, t = r**2, |r| <= pi / 4. */
RL_INLINE double rl_fit_sin(double t) {
    double p = -7.6472269322243478e-13; p = p * t + 1.6059232964201852e-10; p = p * t - 2.5052108383923328e-8;
    p = p * t + 2.7557319220350858e-6; p = p * t - 1.9841269841269853e-4; p = p * t + 8.3333333333333508e-3;
    p = p * t - 0.16666666666666667;
    return p;
}

/* (cos(r) - 1 + r**2 / 2) / r**4, t as above. */
RL_INLINE double rl_fit_cos(double t) {
    double p = 4.7795089325762547e-14; p = p * t - 1.1470850668430792e-11; p = p * t + 2.0876756987108904e-9;
    p = p * t - 2.755731922196643e-7; p = p * t + 2.4801587301587307e-5; p = p * t - 1.3888888888888899e-3;
    p = p * t + 0.041666666666666667;
    return p;
}

#endif
