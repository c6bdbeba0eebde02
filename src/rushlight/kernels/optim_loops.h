/* The loops of the optimizers for one type T, named OF(...); optim.h includes this file for each type.

   p is the parameter, g the gradient, a, b and c are what the optimizer keeps of it, each its own array, or NULL.
   k are the numbers of the step, computed once for the parameter. */

#define LOOP(NAME) RL_TWO_CLONES static void OF(NAME)(T *restrict p, const T *restrict g, T *restrict a, T *restrict b, T *restrict c, \
                                                  const double *k, Py_ssize_t n)
#define ROOT(X) (sizeof(T) == 4 ? (T)sqrtf((float)(X)) : (T)sqrt((double)(X)))
#define ABS(X) (sizeof(T) == 4 ? (T)fabsf((float)(X)) : (T)fabs((double)(X)))
/* The gradient to descend by: the first two numbers are its sign and the weight decay. */
#define SLOPE const T sign = (T)k[0], decay = (T)k[1];
#define D(X) (decay != 0 ? sign * g[i] + decay * (X) : sign * g[i])

RL_INLINE T OF(toward)(T mean, T value, T weight, T rest) {
    return weight < (T)0.5 ? mean + weight * (value - mean) : value - (value - mean) * rest;
}

LOOP(sgd) {
    SLOPE
    const T lr = (T)k[2], momentum = (T)k[3], rest = (T)k[4];
    const int nesterov = k[5] != 0, first = k[6] != 0;
    (void)b, (void)c;
    if (!a) {
        for (Py_ssize_t i = 0; i < n; i++) p[i] -= lr * D(p[i]);
        return;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        T d = D(p[i]), moved = first ? d : momentum * a[i] + rest * d;
        a[i] = moved;
        p[i] -= lr * (nesterov ? d + momentum * moved : moved);
    }
}

LOOP(adam) {
    SLOPE
    const T shrink = (T)k[2], size = (T)k[3], root = (T)k[4], eps = (T)k[5], b1 = (T)k[6], w1 = (T)k[7], b2 = (T)k[8], w2 = (T)k[9];
    for (Py_ssize_t i = 0; i < n; i++) {
        T x = p[i] * shrink, d = D(x), mean = OF(toward)(a[i], d, w1, b1), square = b[i] * b2 + w2 * d * d;
        a[i] = mean;
        b[i] = square;
        if (c) c[i] = square = (square > c[i] || square != square) ? square : c[i];
        p[i] = x - size * mean / (ROOT(square) / root + eps);
    }
}

LOOP(adamax) {
    SLOPE
    const T size = (T)k[2], eps = (T)k[3], b1 = (T)k[4], w1 = (T)k[5], b2 = (T)k[6];
    (void)c;
    for (Py_ssize_t i = 0; i < n; i++) {
        T d = D(p[i]), mean = OF(toward)(a[i], d, w1, b1), least = b[i] * b2, largest = ABS(d) + eps;
        largest = (largest > least || largest != largest) ? largest : least;
        a[i] = mean;
        b[i] = largest;
        p[i] -= size * mean / largest;
    }
}

LOOP(nadam) {
    SLOPE
    const T shrink = (T)k[2], now = (T)k[3], soon = (T)k[4], bend = (T)k[5], eps = (T)k[6];
    const T b1 = (T)k[7], w1 = (T)k[8], b2 = (T)k[9], w2 = (T)k[10];
    (void)c;
    for (Py_ssize_t i = 0; i < n; i++) {
        T x = p[i] * shrink, d = D(x), mean = OF(toward)(a[i], d, w1, b1), square = b[i] * b2 + w2 * d * d;
        a[i] = mean;
        b[i] = square;
        p[i] = x - (now * d + soon * mean) / (ROOT(square / bend) + eps);
    }
}

LOOP(radam) {
    SLOPE
    const T shrink = (T)k[2], size = (T)k[3], eps = (T)k[4], b1 = (T)k[5], w1 = (T)k[6], b2 = (T)k[7], w2 = (T)k[8];
    const int rectified = k[9] != 0;
    (void)c;
    for (Py_ssize_t i = 0; i < n; i++) {
        T x = p[i] * shrink, d = D(x), mean = OF(toward)(a[i], d, w1, b1), square = b[i] * b2 + w2 * d * d;
        a[i] = mean;
        b[i] = square;
        p[i] = x - (rectified ? size * mean / (ROOT(square) + eps) : size * mean);
    }
}

LOOP(adagrad) {
    SLOPE
    const T size = (T)k[2], eps = (T)k[3];
    (void)b, (void)c;
    for (Py_ssize_t i = 0; i < n; i++) {
        T d = D(p[i]), total = a[i] + d * d;
        a[i] = total;
        p[i] -= size * d / (ROOT(total) + eps);
    }
}

LOOP(adadelta) {
    SLOPE
    const T lr = (T)k[2], eps = (T)k[3], rho = (T)k[4], w = (T)k[5];
    (void)c;
    for (Py_ssize_t i = 0; i < n; i++) {
        T d = D(p[i]), square = a[i] * rho + w * d * d, move = ROOT(b[i] + eps) / ROOT(square + eps) * d;
        a[i] = square;
        b[i] = b[i] * rho + w * move * move;
        p[i] -= lr * move;
    }
}

LOOP(rmsprop) {
    SLOPE
    const T lr = (T)k[2], eps = (T)k[3], alpha = (T)k[4], w = (T)k[5], momentum = (T)k[6];
    for (Py_ssize_t i = 0; i < n; i++) {
        T d = D(p[i]), square = a[i] * alpha + w * d * d, spread = square;
        a[i] = square;
        if (c) {
            T mean = OF(toward)(c[i], d, w, alpha);
            c[i] = mean;
            spread -= mean * mean;
        }
        T move = d / (ROOT(spread) + eps);
        if (b) b[i] = move = b[i] * momentum + move;
        p[i] -= lr * move;
    }
}

LOOP(rprop) {
    const T sign = (T)k[0], down = (T)k[2], up = (T)k[3], least = (T)k[4], most = (T)k[5];
    (void)c;
    for (Py_ssize_t i = 0; i < n; i++) {
        T d = sign * g[i], turned = d * a[i], size = b[i] * (turned > 0 ? up : turned < 0 ? down : 1);
        size = size < least ? least : size;
        size = size > most ? most : size;
        d = turned < 0 ? 0 : d;
        a[i] = d;
        b[i] = size;
        p[i] -= d > 0 ? size : d < 0 ? -size : d * 0;
    }
}

LOOP(asgd) {
    SLOPE
    const T eta = (T)k[2], shrink = (T)k[3], mu = (T)k[4];
    const int whole = k[4] == 1;
    (void)b, (void)c;
    for (Py_ssize_t i = 0; i < n; i++) {
        T d = D(p[i]), x = p[i] * shrink - eta * d;
        p[i] = x;
        a[i] = whole ? x : a[i] + mu * (x - a[i]);
    }
}

#undef LOOP
#undef ROOT
#undef ABS
#undef SLOPE
#undef D
