/* Polynomials of the elementary functions. Written by tools/special_fits.py. */

#ifndef RL_SPECIAL_ELEMENTARY_FITS_H
#define RL_SPECIAL_ELEMENTARY_FITS_H

/* (exp(t) - 1 - t) / t**2, |t| <= log(2) / 2. */
RL_INLINE double rl_fit_exp(double t) {
    double p = 2.0918212752506956e-9; p = p * t + 2.5105313423078523e-8; p = p * t + 2.7557263076005474e-7;
    p = p * t + 2.7557255168123061e-6; p = p * t + 2.480158733663232e-5; p = p * t + 1.9841269875003974e-4;
    p = p * t + 1.3888888888879002e-3; p = p * t + 8.3333333333260826e-3; p = p * t + 0.041666666666666677;
    p = p * t + 0.16666666666666671; p = p * t + 0.5;
    return p;
}

/* (log((1 + s) / (1 - s)) - 2s) / s**3, t = s**2, s <= 0.172. */
RL_INLINE double rl_fit_log(double t) {
    double p = 0.10545214627081539; p = p * t + 0.11783332758506793; p = p * t + 0.13333318969097798;
    p = p * t + 0.15384603250019998; p = p * t + 0.18181818186273467; p = p * t + 0.22222222225149515;
    p = p * t + 0.28571428571428088; p = p * t + 0.39999999999999809; p = p * t + 0.66666666666666667;
    return p;
}

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

/* As above, for float. */
RL_INLINE float rl_fit_exp_f(float t) {
    float p = 1.98993925e-4f; p = p * t + 1.39337332e-3f; p = p * t + 8.33329834e-3f; p = p * t + 0.0416664642f;
    p = p * t + 0.166666667f; p = p * t + 0.500000001f;
    return p;
}

/* As above, for float. */
RL_INLINE float rl_fit_log_f(float t) {
    float p = 0.181991978f; p = p * t + 0.222389317f; p = p * t + 0.285714229f; p = p * t + 0.399999964f;
    p = p * t + 0.666666667f;
    return p;
}

#endif
