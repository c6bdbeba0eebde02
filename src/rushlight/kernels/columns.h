/* Windows of planes as columns, and columns added up where their windows lay. */

#ifndef RL_COLUMNS_H
#define RL_COLUMNS_H

#include <Python.h>
#include <string.h>

/* Planes of d by h by w; windows of kd by kh by kw at od by oh by ow positions, with strides, padding and dilation. */
typedef struct {
    Py_ssize_t d, h, w, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw, od, oh, ow;
    void *plane, *columns;
} rl_windows;

/* For each row of positions of each place in the window: those from `first` up to `last` lie within the plane, at
   plane[at + q * sw]. */
#define RL_WINDOWS(T, STATEMENTS)                                                              \
    for (Py_ssize_t p = begin; p < end; p++) {                                                 \
        T *plane = (T *)v->plane + p * v->d * v->h * v->w;                                     \
        T *column = (T *)v->columns + p * v->kd * v->kh * v->kw * v->od * v->oh * v->ow;       \
        const Py_ssize_t sw = v->sw;                                                           \
        for (Py_ssize_t ki = 0; ki < v->kd * v->kh; ki++)                                      \
            for (Py_ssize_t j = 0; j < v->kw; j++) {                                           \
                Py_ssize_t shift = j * v->dw - v->pw, first = shift < 0 ? (-shift + sw - 1) / sw : 0; \
                Py_ssize_t last = v->w - shift <= 0 ? 0 : (v->w - shift - 1) / sw + 1;         \
                if (last > v->ow) last = v->ow;                                                \
                if (first > last) first = last;                                                \
                for (Py_ssize_t z = 0; z < v->od; z++) {                                       \
                    const Py_ssize_t q = z * v->sd - v->pd + ki / v->kh * v->dd;               \
                    for (Py_ssize_t y = 0; y < v->oh; y++, column += v->ow) {                  \
                        const Py_ssize_t r = y * v->sh - v->ph + ki % v->kh * v->dh;           \
                        const int inside = r >= 0 && r < v->h && q >= 0 && q < v->d;           \
                        T *row = plane + (inside ? (q * v->h + r) * v->w : 0) + shift;         \
                        STATEMENTS                                                             \
                    }                                                                          \
                }                                                                              \
            }                                                                                  \
    }

#define RL_COLUMNS(T, KIND)                                                                    \
    static void rl_im2col_##KIND(void *what, Py_ssize_t begin, Py_ssize_t end) {               \
        const rl_windows *v = (const rl_windows *)what;                                        \
        RL_WINDOWS(T, {                                                                        \
            if (!inside) {                                                                     \
                memset(column, 0, v->ow * sizeof(T));                                          \
                continue;                                                                      \
            }                                                                                  \
            for (Py_ssize_t q = 0; q < first; q++) column[q] = 0;                              \
            if (sw == 1) for (Py_ssize_t q = first; q < last; q++) column[q] = row[q];         \
            else for (Py_ssize_t q = first; q < last; q++) column[q] = row[q * sw];            \
            for (Py_ssize_t q = last; q < v->ow; q++) column[q] = 0;                           \
        })                                                                                     \
    }                                                                                          \
    static void rl_col2im_##KIND(void *what, Py_ssize_t begin, Py_ssize_t end) {               \
        const rl_windows *v = (const rl_windows *)what;                                        \
        const Py_ssize_t cells = v->d * v->h * v->w;                                           \
        memset((T *)v->plane + begin * cells, 0, (end - begin) * cells * sizeof(T));           \
        RL_WINDOWS(T, {                                                                        \
            if (!inside) continue;                                                             \
            if (sw == 1) for (Py_ssize_t q = first; q < last; q++) row[q] += column[q];        \
            else for (Py_ssize_t q = first; q < last; q++) row[q * sw] += column[q];           \
        })                                                                                     \
    }

RL_COLUMNS(float, f4)
RL_COLUMNS(double, f8)

#endif
