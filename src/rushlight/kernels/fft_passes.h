/* The transforms of fft.h for one type and family. */

#define LANES ((int)(sizeof(V) / (2 * sizeof(T))))

/* One complex number in all lanes. */
TARGET RL_INLINE V N(rl_splat)(const T *p) {
    double pair[2];
    memcpy(pair, p, 2 * sizeof(T));
    const D v = PAIRS(pair[0], pair[sizeof(T) / 8]);
    return (V)v;
}

/* Twiddles are kept as (re, re, -im, im): v * w is v * (re, re) + swapped v * (-im, im). */
#define TIMES(v, w) ((v) * N(rl_splat)(w) + SWAP(v) * N(rl_splat)((w) + 2))

/* Passes: entry (q, j, k) of x, s numbers q, m numbers j and p numbers k, goes to (q, k, j) of y. */

TARGET RL_INLINE void N(rl_pass2)(const V *x, V *y, Py_ssize_t s, Py_ssize_t m, const T *w) {
    for (Py_ssize_t j = 0; j < m; j++, w += 4)
        for (Py_ssize_t q = 0; q < s; q++) {
            V a = x[q + s * j], b = x[q + s * (j + m)], d = a - b;
            y[q + s * 2 * j] = a + b;
            y[q + s * (2 * j + 1)] = TIMES(d, w);
        }
}

TARGET RL_INLINE void N(rl_pass3)(const V *x, V *y, Py_ssize_t s, Py_ssize_t m, const T *w, V turn) {
    const T half = (T)0.5, high = (T)0.86602540378443864676;
    for (Py_ssize_t j = 0; j < m; j++, w += 8)
        for (Py_ssize_t q = 0; q < s; q++) {
            const V *from = x + q + s * j;
            V *to = y + q + s * 3 * j;
            V a = from[0], b = from[s * m], c = from[2 * s * m];
            V t = b + c, u = a - half * t, v = SWAP(b - c) * (high * turn), e = u + v, f = u - v;
            to[0] = a + t;
            to[s] = TIMES(e, w);
            to[2 * s] = TIMES(f, w + 4);
        }
}

TARGET RL_INLINE void N(rl_pass4)(const V *x, V *y, Py_ssize_t s, Py_ssize_t m, const T *w, V turn) {
    for (Py_ssize_t j = 0; j < m; j++, w += 12)
        for (Py_ssize_t q = 0; q < s; q++) {
            const V *from = x + q + s * j;
            V *to = y + q + s * 4 * j;
            V a = from[0], b = from[s * m], c = from[2 * s * m], d = from[3 * s * m];
            V e = a + c, f = a - c, g = b + d, h = SWAP(b - d) * turn;
            V r = f + h, t = e - g, u = f - h;
            to[0] = e + g;
            to[s] = TIMES(r, w);
            to[2 * s] = TIMES(t, w + 4);
            to[3 * s] = TIMES(u, w + 8);
        }
}

TARGET RL_INLINE void N(rl_pass5)(const V *x, V *y, Py_ssize_t s, Py_ssize_t m, const T *w, V turn) {
    const T c1 = (T)0.30901699437494742410, c2 = (T)-0.80901699437494742410;
    const T s1 = (T)0.95105651629515357212, s2 = (T)0.58778525229247312917;
    for (Py_ssize_t j = 0; j < m; j++, w += 16)
        for (Py_ssize_t q = 0; q < s; q++) {
            const V *from = x + q + s * j;
            V *to = y + q + s * 5 * j;
            V a = from[0], b = from[s * m], c = from[2 * s * m], d = from[3 * s * m], e = from[4 * s * m];
            V p = b + e, r = c + d, f = b - e, g = c - d;
            V t = a + c1 * p + c2 * r, u = a + c2 * p + c1 * r;
            V v = SWAP(s1 * f + s2 * g) * turn, z = SWAP(s2 * f - s1 * g) * turn;
            V one = t + v, four = t - v, two = u + z, three = u - z;
            to[0] = a + p + r;
            to[s] = TIMES(one, w);
            to[2 * s] = TIMES(two, w + 4);
            to[3 * s] = TIMES(three, w + 8);
            to[4 * s] = TIMES(four, w + 12);
        }
}

TARGET RL_INLINE void N(rl_pass_odd)(const V *x, V *y, Py_ssize_t s, Py_ssize_t m, const T *w, V turn, int p) {
    T c[RL_FFT_PRIME], z[RL_FFT_PRIME];
    double root[2];
    for (int k = 0; k < p; k++) {
        rl_fft_root(root, k, p, 1.0);
        c[k] = (T)root[0];
        z[k] = (T)root[1];
    }
    for (Py_ssize_t j = 0; j < m; j++, w += 4 * (p - 1))
        for (Py_ssize_t q = 0; q < s; q++) {
            const V *from = x + q + s * j;
            V *to = y + q + s * p * j;
            V sums[RL_FFT_PRIME / 2], gaps[RL_FFT_PRIME / 2], first = from[0], total = first;
            for (int k = 1; k <= p / 2; k++) {
                V a = from[k * s * m], b = from[(p - k) * s * m];
                sums[k - 1] = a + b;
                gaps[k - 1] = a - b;
                total += a + b;
            }
            to[0] = total;
            for (int r = 1; r <= p / 2; r++) {
                V u = first, v = gaps[0] * z[r];
                for (int k = 1; k <= p / 2; k++) u += sums[k - 1] * c[r * k % p];
                for (int k = 2; k <= p / 2; k++) v += gaps[k - 1] * z[r * k % p];
                v = SWAP(v) * turn;
                V one = u + v, other = u - v;
                to[r * s] = TIMES(one, w + 4 * (r - 1));
                to[(p - r) * s] = TIMES(other, w + 4 * (p - r - 1));
            }
        }
}

/* All passes over a, with b as the other place; where the result lies. */
TARGET RL_INLINE V *N(rl_fft_passes)(const rl_fft_plan *plan, V *a, V *b) {
    const T *w = plan->twiddles;
    const T way[2] = {(T)-plan->sign, (T)plan->sign};
    const V turn = N(rl_splat)(way);
    Py_ssize_t s = 1, rest = plan->n;
    for (int i = 0; i < plan->stages; i++) {
        int p = plan->radix[i];
        Py_ssize_t m = rest / p;
        if (p == 4) N(rl_pass4)(a, b, s, m, w, turn);
        else if (p == 2) N(rl_pass2)(a, b, s, m, w);
        else if (p == 3) N(rl_pass3)(a, b, s, m, w, turn);
        else if (p == 5) N(rl_pass5)(a, b, s, m, w, turn);
        else N(rl_pass_odd)(a, b, s, m, w, turn, p);
        w += 4 * m * (p - 1);
        s *= p;
        rest = m;
        V *swapped = a;
        a = b;
        b = swapped;
    }
    return a;
}

/* `width` transforms, a lane apart, into buf: entry k of lane l at buf[k] lane l. */
TARGET RL_INLINE void N(rl_fft_load)(V *buf, const T *x, Py_ssize_t n, Py_ssize_t lane, Py_ssize_t step, int width) {
    Py_ssize_t k = 0;
    D square[LANES];
    if (width < LANES) memset(buf, 0, n * sizeof(V));
    if (lane == 1) {
        for (; k < n; k++) {
            if (width == LANES) memcpy(buf + k, x + 2 * k * step, sizeof(V));
            else memcpy(buf + k, x + 2 * k * step, 2 * width * sizeof(T));
        }
        return;
    }
    if (step == 1 && width == LANES)
        for (; k + LANES <= n; k += LANES) {
            RL_UNROLL for (int l = 0; l < LANES; l++) memcpy(square + l, x + 2 * (l * lane + k), sizeof(V));
            TRANSPOSE(square);
            memcpy(buf + k, square, sizeof square);
        }
    for (; k < n; k++)
        for (int l = 0; l < width; l++) memcpy((T *)(buf + k) + 2 * l, x + 2 * (l * lane + k * step), 2 * sizeof(T));
}

TARGET RL_INLINE void N(rl_fft_store)(T *y, V *buf, Py_ssize_t n, Py_ssize_t lane, Py_ssize_t step, int width, T scale) {
    Py_ssize_t k = 0;
    D square[LANES];
    if (lane == 1) {
        for (; k < n; k++) {
            V v = buf[k] * scale;
            if (width == LANES) memcpy(y + 2 * k * step, &v, sizeof(V));
            else memcpy(y + 2 * k * step, &v, 2 * width * sizeof(T));
        }
        return;
    }
    if (scale != 1)
        for (; k < n; k++) buf[k] *= scale;
    k = 0;
    if (step == 1 && width == LANES)
        for (; k + LANES <= n; k += LANES) {
            memcpy(square, buf + k, sizeof square);
            TRANSPOSE(square);
            RL_UNROLL for (int l = 0; l < LANES; l++) memcpy(y + 2 * (l * lane + k), square + l, sizeof(V));
        }
    for (; k < n; k++)
        for (int l = 0; l < width; l++) memcpy(y + 2 * (l * lane + k * step), (T *)(buf + k) + 2 * l, 2 * sizeof(T));
}

/* Entry k of the lanes t, t + 1, ... times root k t. */
TARGET RL_INLINE void N(rl_fft_turn)(const rl_fft_roots *roots, const T *lanes, V *buf, Py_ssize_t n, Py_ssize_t t) {
    double root[2];
    for (Py_ssize_t k = 1; k < n; k++) {
        T w[4];
        V re, im, v = buf[k];
        memcpy(&re, lanes + 4 * RL_FFT_LANES(T) * k, sizeof(V));
        memcpy(&im, lanes + (4 * k + 2) * RL_FFT_LANES(T), sizeof(V));
        rl_fft_get_root(roots, k * t, root);
        S(rl_put)(w, root[0], root[1]);
        v = v * re + SWAP(v) * im;
        buf[k] = TIMES(v, w);
    }
}

/* Of z, the transform of x[2 j] + i x[2 j + 1], made into the n + 1 entries of one side of that of x, or all 2 n. The
   even and the odd numbers have the transforms E = (z[k] + conj(z[n - k])) / 2 and O = (z[k] - conj(z[n - k])) / 2i; that
   of x is E + w^k O. */
TARGET RL_INLINE void N(rl_fft_split)(const rl_fft_roots *roots, V *z, Py_ssize_t n, int both) {
    const T signs[2] = {1, -1}, ones[2] = {1, 0};
    const V conj = N(rl_splat)(signs), first = N(rl_splat)(ones), half = conj * conj * (T)0.5;
    V start = z[0], across = SWAP(start);
    double root[2];
    z[0] = (start + across) * first;
    z[n] = (start - across) * first;
    for (Py_ssize_t k = 1; k <= n / 2; k++) {
        T w[4];
        rl_fft_get_root(roots, k, root);
        S(rl_put)(w, root[0], root[1]);
        V a = z[k], b = z[n - k] * conj, even = (a + b) * half, odd = SWAP(a - b) * conj * half;
        V turned = TIMES(odd, w);
        z[k] = even + turned;
        z[n - k] = (even - turned) * conj;
    }
    if (both)
        for (Py_ssize_t k = 1; k < n; k++) z[2 * n - k] = z[k] * conj;
}

/* The way back, from n + 1 entries to n; what must be real is taken as real. */
TARGET RL_INLINE void N(rl_fft_join)(const rl_fft_roots *roots, V *z, Py_ssize_t n) {
    const T signs[2] = {1, -1}, ones[2] = {1, 0};
    const V conj = N(rl_splat)(signs), first = N(rl_splat)(ones);
    V start = z[0] * first, end = z[n] * first;
    double root[2];
    z[0] = start + end + SWAP(start - end);
    for (Py_ssize_t k = 1; k <= n / 2; k++) {
        T w[4];
        rl_fft_get_root(roots, k, root);
        S(rl_put)(w, root[0], root[1]);
        V a = z[k], b = z[n - k] * conj, even = a + b, gap = a - b;
        V odd = TIMES(gap, w), turned = SWAP(odd) * conj;
        z[k] = even - turned;
        z[n - k] = (even + turned) * conj;
    }
}

/* Blocks [begin, end) of a job, a block being RL_FFT_LANES(T) transforms of a group. */
TARGET static void N(rl_fft_work)(void *what, Py_ssize_t begin, Py_ssize_t end) {
    rl_fft_job *job = what;
    const rl_fft_layout *at = &job->at;
    const T *x = job->x;
    T *y = job->y;
    const int kind = job->kind;
    Py_ssize_t n = job->plan->n, blocks = (at->count + RL_FFT_LANES(T) - 1) / RL_FFT_LANES(T), room = kind == RL_FFT_PLAIN ? n : 2 * n;
    Py_ssize_t read = kind == RL_FFT_FROM_SIDE ? n + 1 : n;
    Py_ssize_t written = kind == RL_FFT_ONE_SIDE ? n + 1 : kind == RL_FFT_BOTH_SIDES ? 2 * n : n;
    if (room < n + 1) room = n + 1;
    void *memory = malloc(2 * room * sizeof(V) + 64);
    if (!memory) {
        job->failed = 1;
        return;
    }
    V *a = (V *)(((size_t)memory + 63) & ~(size_t)63), *b = a + room;
    for (Py_ssize_t block = begin; block < end; block++) {
        const Py_ssize_t group = block / blocks, first = block % blocks * RL_FFT_LANES(T);
        const Py_ssize_t last = at->count - first < RL_FFT_LANES(T) ? at->count : first + RL_FFT_LANES(T);
        for (Py_ssize_t t = first; t < last; t += LANES) {
            const int width = last - t < LANES ? (int)(last - t) : LANES;
            N(rl_fft_load)(a, x + 2 * (group * at->in_group + t * at->in_lane), read, at->in_lane, at->in_step, width);
            if (kind == RL_FFT_FROM_SIDE) N(rl_fft_join)(job->real, a, n);
            V *done = N(rl_fft_passes)(job->plan, a, b);
            if (job->roots) N(rl_fft_turn)(job->roots, job->lanes, done, n, t);
            if (kind == RL_FFT_ONE_SIDE || kind == RL_FFT_BOTH_SIDES)
                N(rl_fft_split)(job->real, done, n, kind == RL_FFT_BOTH_SIDES);
            N(rl_fft_store)(y + 2 * (group * at->out_group + t * at->out_lane), done, written, at->out_lane,
                            at->out_step, width, (T)job->scale);
        }
    }
    free(memory);
}

#undef TIMES
#undef LANES
#undef V
#undef D
#undef TARGET
#undef N
#undef SWAP
#undef TRANSPOSE
#undef PAIRS
