/* What fft.h has for one type, whatever the vectors. */

static void S(rl_put)(T *to, double re, double im) {
    to[0] = to[1] = (T)re;
    to[2] = (T)-im;
    to[3] = (T)im;
}

static int S(rl_fft_make_plan)(rl_fft_plan *plan, Py_ssize_t n, double sign) {
    Py_ssize_t size = 0, rest = n;
    double root[2];
    plan->n = n;
    plan->sign = sign;
    plan->stages = rl_fft_factors(n, plan->radix);
    for (int i = 0; i < plan->stages; i++) size += (rest /= plan->radix[i]) * (plan->radix[i] - 1);
    T *w = plan->twiddles = malloc(4 * sizeof(T) * (size + 1));
    if (!w) return 0;
    rest = n;
    for (int i = 0; i < plan->stages; i++) {
        Py_ssize_t m = rest / plan->radix[i];
        for (Py_ssize_t j = 0; j < m; j++)
            for (int k = 1; k < plan->radix[i]; k++, w += 4) {
                rl_fft_root(root, (double)(j * k), (double)rest, sign);
                S(rl_put)(w, root[0], root[1]);
            }
        rest = m;
    }
    return 1;
}

/* Roots k l for k < n and the lanes l, as TIMES has them: twice as many real parts as lanes, then as many imaginary ones. */
static void *S(rl_fft_make_lanes)(const rl_fft_roots *roots, Py_ssize_t n) {
    T *w = malloc(4 * RL_FFT_LANES(T) * n * sizeof(T));
    double root[2];
    if (!w) return NULL;
    for (Py_ssize_t k = 0; k < n; k++)
        for (int l = 0; l < RL_FFT_LANES(T); l++) {
            T *to = w + 4 * RL_FFT_LANES(T) * k + 2 * l;
            rl_fft_get_root(roots, k * l, root);
            to[0] = to[1] = (T)root[0];
            to[2 * RL_FFT_LANES(T)] = (T)-root[1];
            to[2 * RL_FFT_LANES(T) + 1] = (T)root[1];
        }
    return w;
}

/* The same splitting and joining for rows [begin, end) that are too long for lanes: y is split where it lies. */

RL_CLONES static void S(rl_fft_split_rows)(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_fft_rows_job *job = what;
    const int both = job->kind == RL_FFT_BOTH_SIDES;
    Py_ssize_t m = job->roots->n / 2;
    T half = (T)(job->scale * 0.5);
    for (Py_ssize_t row = begin; row < end; row++) {
        T *y = (T *)job->y + 2 * (both ? 2 * m : m + 1) * row;
        T start = y[0], across = y[1];
        y[0] = 2 * half * (start + across);
        y[2 * m] = 2 * half * (start - across);
        y[1] = y[2 * m + 1] = 0;
        for (Py_ssize_t k = 1; k <= m / 2; k++) {
            T *a = y + 2 * k, *b = y + 2 * (m - k);
            double root[2];
            rl_fft_get_root(job->roots, k, root);
            T wr = (T)root[0], wi = (T)root[1];
            T er = a[0] + b[0], ei = a[1] - b[1], or = a[1] + b[1], oi = b[0] - a[0];
            T tr = or * wr - oi * wi, ti = or * wi + oi * wr;
            a[0] = half * (er + tr);
            a[1] = half * (ei + ti);
            b[0] = half * (er - tr);
            b[1] = half * (ti - ei);
        }
        if (both)
            for (Py_ssize_t k = 1; k < m; k++) {
                y[2 * (2 * m - k)] = y[2 * k];
                y[2 * (2 * m - k) + 1] = -y[2 * k + 1];
            }
    }
}

RL_CLONES static void S(rl_fft_join_rows)(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_fft_rows_job *job = what;
    Py_ssize_t m = job->roots->n / 2;
    T scale = (T)job->scale;
    for (Py_ssize_t row = begin; row < end; row++) {
        const T *y = (const T *)job->x + 2 * (m + 1) * row;
        T *z = (T *)job->y + 2 * m * row;
        /* What must be real is taken as real. */
        z[0] = scale * (y[0] + y[2 * m]);
        z[1] = scale * (y[0] - y[2 * m]);
        for (Py_ssize_t k = 1; k <= m / 2; k++) {
            const T *a = y + 2 * k, *b = y + 2 * (m - k);
            double root[2];
            rl_fft_get_root(job->roots, k, root);
            T wr = (T)root[0], wi = (T)root[1];
            T er = a[0] + b[0], ei = a[1] - b[1], dr = a[0] - b[0], di = a[1] + b[1];
            T or = dr * wr - di * wi, oi = dr * wi + di * wr;
            z[2 * k] = scale * (er - oi);
            z[2 * k + 1] = scale * (ei + or);
            z[2 * (m - k)] = scale * (er + oi);
            z[2 * (m - k) + 1] = scale * (or - ei);
        }
    }
}

/* Of transforms along columns of z[j] = x[2 j] + i x[2 j + 1], each entry of one side made into those of x[2 j] and
   x[2 j + 1], rows [begin, end) of all outer * (n / 2 + 1). Their halving is left to the scale of the transforms. */
RL_CLONES static void S(rl_fft_part_columns)(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_fft_columns_job *job = what;
    const Py_ssize_t n = job->n, rows = n / 2 + 1, width = job->width;
    for (Py_ssize_t row = begin; row < end; row++) {
        const Py_ssize_t k = row % rows;
        const T *a = (const T *)job->x + 2 * width * (row / rows * n + k);
        const T *b = a + 2 * width * ((k ? n - k : 0) - k);
        T *y = (T *)job->y + 4 * width * row;
        for (Py_ssize_t j = 0; j < width; j++) {
            const T ar = a[2 * j], ai = a[2 * j + 1], br = b[2 * j], bi = b[2 * j + 1];
            y[4 * j] = ar + br;
            y[4 * j + 1] = ai - bi;
            y[4 * j + 2] = ai + bi;
            y[4 * j + 3] = br - ar;
        }
    }
}
