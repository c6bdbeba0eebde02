/* Polynomials of the gamma functions. Written by tools/special_fits.py. */

#ifndef RL_SPECIAL_GAMMA_FITS_H
#define RL_SPECIAL_GAMMA_FITS_H

#include "special_elementary.h"

/* lgamma(y) / ((y - 1) (y - 2)), y = 2 + t. */
RL_INLINE double rl_fit_lgamma(double t) {
    double p = -8.1900377835511558e-10; p = p * t + 1.5818126337371086e-9; p = p * t + 2.4694237633377505e-9;
    p = p * t - 4.3588624090725151e-9; p = p * t - 8.9520228367097018e-9; p = p * t + 1.6327287432845005e-8;
    p = p * t - 7.8607446870830561e-10; p = p * t + 5.6887379538575793e-9; p = p * t - 5.2038665332275675e-8;
    p = p * t + 1.0444285443279689e-7; p = p * t - 1.8613158181472911e-7; p = p * t + 3.95720794275161e-7;
    p = p * t - 8.5548169571227288e-7; p = p * t + 1.8114769634727658e-6; p = p * t - 3.8465142426634735e-6;
    p = p * t + 8.2212050921554237e-6; p = p * t - 1.76618554743359e-5; p = p * t + 3.8169083283134497e-5;
    p = p * t - 8.3095099946784895e-5; p = p * t + 1.8255261441838105e-4; p = p * t - 4.0570739993875171e-4;
    p = p * t + 9.1537692412389519e-4; p = p * t - 2.1081308338291314e-3; p = p * t + 4.9986411646232827e-3;
    p = p * t - 0.012384192193374356; p = p * t + 0.032965000621156977; p = p * t - 0.1003173016743539;
    p = p * t + 0.42278433509846714;
    return p;
}

/* x times the rest of Stirling's formula, t = 128 / x**2 - 1, x >= 8. */
RL_INLINE double rl_fit_stirling(double t) {
    double p = 1.1522356415252962e-15; p = p * t - 4.810626978806611e-14; p = p * t + 2.8769106440566369e-12;
    p = p * t - 2.7181917681921419e-10; p = p * t + 4.7607382622457575e-8; p = p * t - 2.1605346910997008e-5;
    p = p * t + 0.083311680104294367;
    return p;
}

/* x**2 (log x - 1/(2x) - digamma(x)), t as above. */
RL_INLINE double rl_fit_digamma(double t) {
    double p = -5.3222418240756559e-16; p = p * t + 1.4472019103714594e-14; p = p * t - 5.1466426859223169e-13;
    p = p * t + 2.5411766905332866e-11; p = p * t - 1.8797191647563701e-9; p = p * t + 2.3640599786123042e-7;
    p = p * t - 6.4625611202490518e-5; p = p * t + 0.083268469410472381;
    return p;
}

/* x**3 (trigamma(x) - 1/x - 1/(2x**2)), t as above. */
RL_INLINE double rl_fit_trigamma(double t) {
    double p = -8.1331896866489209e-15; p = p * t + 1.9534850135804512e-13; p = p * t - 6.0028803562398986e-12;
    p = p * t + 2.4897078733037103e-10; p = p * t - 1.4834458943927076e-8; p = p * t + 1.4071576722505386e-6;
    p = p * t - 2.5755682081854104e-4; p = p * t + 0.16640768759853978;
    return p;
}

#endif
