# cython: boundscheck=False, wraparound=False, cdivision=True
"""Convolutions of float32 and float64 arrays over one to three dimensions, and their two adjoints; the one in the input
with stride 1 alone.

A function returns NotImplemented for everything else, and for weights so large that BLAS is ahead.
"""

cimport numpy as cnp
from libc.stdlib cimport calloc, free, malloc
from rushlight.kernels.buffers cimport contiguous, empty
from rushlight.kernels.parallel cimport family, spread

cnp.import_array()

cdef extern from "kernels/windows.h":
    ctypedef struct rl_places:
        Py_ssize_t od, oh, ow, fh, fw
    rl_places rl_joined(rl_places) nogil
    void rl_copy_row(char *, const char *, Py_ssize_t) nogil
    void rl_copy_steps_f4(float *, const float *, Py_ssize_t, Py_ssize_t) nogil
    void rl_copy_steps_f8(double *, const double *, Py_ssize_t, Py_ssize_t) nogil
    void rl_line_up_f4(const float *, Py_ssize_t, Py_ssize_t, float *, Py_ssize_t, Py_ssize_t) nogil
    void rl_line_up_f8(const double *, Py_ssize_t, Py_ssize_t, double *, Py_ssize_t, Py_ssize_t) nogil
    ctypedef struct rl_window_loops:
        void (*correlate)(const void *, const void *, const void *, const Py_ssize_t *, const Py_ssize_t *, const rl_places *, void *, void *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*correlate_row)(const void *, const void *, const void *, const Py_ssize_t *, void *, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*weigh_channels)(const void *, Py_ssize_t, const void *, Py_ssize_t, Py_ssize_t, Py_ssize_t, const Py_ssize_t *, Py_ssize_t, const rl_places *, Py_ssize_t, void *) noexcept nogil
        void (*weigh)(const void *, Py_ssize_t, const void *, Py_ssize_t, const Py_ssize_t *, void *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
    const rl_window_loops *rl_windows_f4
    const rl_window_loops *rl_windows_f8

ctypedef fused real:
    float
    double

# Weights should stay in the third cache, and frames that are weighed together in the second.
cdef Py_ssize_t LARGEST_WEIGHT = 1 << 24
cdef Py_ssize_t TOGETHER = 1 << 19
# Numbers of a frame.
cdef Py_ssize_t LARGEST_SHIFTED = 1 << 17
# Sizes, and numbers of a frame, of which no product overflows.
cdef Py_ssize_t MOST = 1 << 30
cdef Py_ssize_t MOST_TOGETHER = 1 << 40
# Numbers computed together: 64 bytes of float32.
cdef Py_ssize_t LANES = 16
# So many multiplications are worth a thread, and so many numbers to copy.
cdef Py_ssize_t LEAST = 1 << 18
cdef Py_ssize_t LEAST_COPIED = 1 << 14

# Products of a line that take as long as copying a row, beside what its length takes.
cdef Py_ssize_t COPYING = 4


cdef struct Layout:
    Py_ssize_t samples, groups
    Py_ssize_t channels, rows  # of one group: of the input and of the output
    Py_ssize_t d, h, w, kd, kh, kw, dd, dh, dw, sd, sh, sw  # input, kernel, dilation, stride
    Py_ssize_t front, top, left  # padding; below zero where layers, rows and columns are left out
    Py_ssize_t rd, rh, rw  # remainders by the stride that taps have; each is a plane of the frame
    Py_ssize_t shift  # columns from one such plane to the next: more than 1, or `shifted`, of a shifted frame
    Py_ssize_t fd  # of such a plane, beside what `at` says
    rl_places at  # output, and the planes of the frame
    rl_places joined  # with rows that follow one another in both as one
    Py_ssize_t taps, plane, frame, length, lanes
    const rl_window_loops *loops
    const Py_ssize_t *offsets
    Py_ssize_t *firsts  # the first place of each line of windows
    Py_ssize_t lines
    const void *x
    const void *weight
    const void *bias
    void *out
    bint single, shifted, failed


# A loop over windows or rows of one sample.
cdef struct Sheet:
    const Layout *at
    const void *weight
    const void *bias
    const void *frame
    void *sheet
    void *total
    Py_ssize_t samples, frame_step, sheet_step
    bint failed


# A loop over samples in lines of channels, and one over what weighs them.
cdef struct Channels:
    const Layout *at
    const void *x
    const void *y
    void *frames
    void *total
    Py_ssize_t samples, blocks, high
    bint failed


# A weight to be read backwards.
cdef struct Turned:
    const Layout *at
    const void *weight
    void *out


cdef bint plain(object x):
    """Whether x is an array of float32 or float64 with one to three spatial dimensions."""
    if not isinstance(x, cnp.ndarray):
        return False
    cdef cnp.ndarray a = x
    if cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT32 and cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT64:
        return False
    return 3 <= cnp.PyArray_NDIM(a) <= 5 and cnp.PyArray_SIZE(a) > 0 and cnp.PyArray_ISNOTSWAPPED(a)


cdef bint one(const Layout *at):
    return at.sd == 1 and at.sh == 1 and at.sw == 1


cdef inline Py_ssize_t along(cnp.ndarray a, int k):
    """The size of a along dimension k of three, 1 for one that it has not."""
    cdef int at = cnp.PyArray_NDIM(a) - 3 + k
    return cnp.PyArray_DIM(a, at) if at > 1 else 1


cdef inline Py_ssize_t entry(tuple values, int k, Py_ssize_t missing):
    """The entry of a tuple for dimension k of three."""
    cdef Py_ssize_t at = len(values) - 3 + k
    return values[at] if at >= 0 else missing


cdef bint settle(Layout *at, int itemsize):
    """Work out the frame; whether the sizes are some, and can be counted."""
    cdef rl_places *p = &at.at
    cdef Py_ssize_t least = min(p.od, p.oh, p.ow, at.kd, at.kh, at.kw, at.dd, at.dh, at.dw, at.sd, at.sh, at.sw)
    cdef Py_ssize_t most = max(p.od, p.oh, p.ow, at.kd, at.kh, at.kw, at.dd, at.dh, at.dw, at.sd, at.sh, at.sw)
    cdef Py_ssize_t around = max(at.front, at.top, at.left, -at.front, -at.top, -at.left)
    if least < 1 or max(most, around) > MOST:
        return False
    at.rd = min(at.sd, at.dd * (at.kd - 1) + 1)
    at.rh = min(at.sh, at.dh * (at.kh - 1) + 1)
    at.rw = min(at.sw, at.dw * (at.kw - 1) + 1)
    at.fd = p.od + at.dd * (at.kd - 1) // at.sd
    p.fh = p.oh + at.dh * (at.kh - 1) // at.sh
    p.fw = p.ow + at.dw * (at.kw - 1) // at.sw
    if <double>at.channels * at.rd * at.rh * at.rw * at.fd * p.fh * p.fw > MOST_TOGETHER:
        return False
    if <double>at.kd * at.kh * at.kw > MOST:
        return False
    at.taps = at.channels * at.kd * at.kh * at.kw
    at.shift, at.shifted = 1, False
    at.plane = at.rd * at.rh * at.rw * at.fd * p.fh * p.fw
    at.length = (((p.od - 1) * p.fh + p.oh - 1) * p.fw + p.ow + LANES - 1) // LANES * LANES
    at.frame = (at.channels * at.plane + 2 * LANES - 1) // LANES * LANES
    at.single, at.lanes = itemsize == 4, 64 // itemsize
    at.loops = (rl_windows_f4 if at.single else rl_windows_f8) + family
    return True


cdef inline bint quicker(const Layout *at) noexcept:
    """Whether the weight stays in the cache from one line of windows to the next."""
    return at.taps * at.rows * (4 if at.single else 8) <= LARGEST_WEIGHT


cdef inline bint fit(const Layout *at) noexcept:
    """Whether all windows lie in the input and its padding."""
    return (
        (at.at.od - 1) * at.sd + at.dd * (at.kd - 1) < at.d + 2 * at.front
        and (at.at.oh - 1) * at.sh + at.dh * (at.kh - 1) < at.h + 2 * at.top
        and (at.at.ow - 1) * at.sw + at.dw * (at.kw - 1) < at.w + 2 * at.left
    )


cdef inline void *aligned(void *room) noexcept nogil:
    """The first address in `room` at which a line of the cache begins."""
    return <void *>((<Py_ssize_t>room + 63) & ~<Py_ssize_t>63)


cdef Py_ssize_t *found_taps(const Layout *at) noexcept nogil:
    """How far each tap lies from where its window begins; NULL where memory is short."""
    cdef Py_ssize_t c, i, j, l, z, y, x, place, k = 0
    cdef Py_ssize_t *offsets = <Py_ssize_t *>calloc(at.taps, sizeof(Py_ssize_t))
    if offsets == NULL:
        return NULL
    for c in range(at.channels):
        for i in range(at.kd):
            for j in range(at.kh):
                for l in range(at.kw):
                    z, y, x = i * at.dd, j * at.dh, l * at.dw
                    place = ((c * at.rd + z % at.sd) * at.rh + y % at.sh) * at.rw + (l if at.shifted else x % at.sw)
                    offsets[k] = ((place * at.fd + z // at.sd) * at.at.fh + y // at.sh) * at.at.fw
                    offsets[k] += 0 if at.shifted else x // at.sw
                    k += 1
    return offsets


cdef Py_ssize_t line_windows(const Layout *at, Py_ssize_t *firsts) noexcept nogil:
    """How many lines of windows that lie within so many numbers of the frame have all places, and the first of each."""
    cdef rl_places p = rl_joined(at.at)
    cdef Py_ssize_t z, y, x, place, begin = -at.lanes, lines = 0
    for z in range(p.od):
        for y in range(p.oh):
            place = (z * p.fh + y) * p.fw
            x = max(0, begin + at.lanes - place)
            while x < p.ow:
                if firsts != NULL:
                    firsts[lines] = (z * p.oh + y) * p.ow + x
                lines += 1
                begin = place + x
                x += at.lanes
    return lines


cdef void choose_frame(Layout *at) noexcept nogil:
    """Shift the frame where that leaves out more products than its copies take."""
    cdef Layout shifted = at[0]
    cdef Py_ssize_t rows = at.channels * at.rd * at.rh * at.fd * at.at.fh
    cdef Py_ssize_t copies = (at.kw - at.rw) * rows * (COPYING + at.at.ow // at.lanes), spared
    shifted.rw, shifted.shift, shifted.shifted, shifted.at.fw = at.kw, at.dw, True, at.at.ow
    shifted.plane = at.rd * at.rh * at.kw * at.fd * at.at.fh * at.at.ow
    shifted.frame = (at.channels * shifted.plane + 2 * LANES - 1) // LANES * LANES
    spared = line_windows(at, NULL) - line_windows(&shifted, NULL)
    if spared * at.taps * at.rows > copies and shifted.frame < LARGEST_SHIFTED:
        at[0] = shifted


cdef Py_ssize_t *found_lines(Layout *at) noexcept nogil:
    """The first places of all lines, and the number of places; NULL where memory is short."""
    cdef Py_ssize_t *firsts
    at.lines, at.joined = line_windows(at, NULL), rl_joined(at.at)
    firsts = <Py_ssize_t *>malloc((at.lines + 1) * sizeof(Py_ssize_t))
    if firsts != NULL:
        line_windows(at, firsts)
        firsts[at.lines] = at.at.od * at.at.oh * at.at.ow
    return firsts


cdef inline void copy_rows(
    const real *source, Py_ssize_t step, real *to, Py_ssize_t to_step, Py_ssize_t rows, Py_ssize_t width
) noexcept nogil:
    """Copy rows that begin `step` numbers apart, and shall `to_step`."""
    cdef Py_ssize_t y
    if step == width and to_step == width:
        width *= rows
        rows = 1
    for y in range(rows):
        rl_copy_row(<char *>(to + y * to_step), <const char *>(source + y * step), width * sizeof(real))


cdef inline Py_ssize_t window_count(
    Py_ssize_t n, Py_ssize_t kernel, Py_ssize_t padding, Py_ssize_t dilation, Py_ssize_t stride
) noexcept:
    """How many windows lie in n places and their padding."""
    cdef Py_ssize_t spare = n + 2 * padding - dilation * (kernel - 1) - 1
    return 0 if spare < 0 else spare // stride + 1


cdef inline Py_ssize_t met(Py_ssize_t n, Py_ssize_t before, Py_ssize_t stride, Py_ssize_t most) noexcept nogil:
    """How many of `most` places, `stride` apart, lie before the n-th number behind `before` numbers of padding."""
    return 0 if n + before <= 0 else min((n + before - 1) // stride + 1, most)


cdef void fill(const Layout *at, const real *x, real *frame) noexcept nogil:
    """Copy one sample of a group into a frame that has zeros around it."""
    cdef Py_ssize_t c, rz, ry, rx, z, y, first, end, begin, columns, layer, plane, fh = at.at.fh, fw = at.at.fw
    cdef const real *source
    cdef real *to
    for c in range(at.channels):
        for rz in range(at.rd):
            for ry in range(at.rh):
                first, end = met(0, at.top - ry, at.sh, fh), met(at.h, at.top - ry, at.sh, fh)
                for rx in range(at.rw):
                    begin = met(0, at.left - rx * at.shift, at.sw, fw)
                    columns = met(at.w, at.left - rx * at.shift, at.sw, fw) - begin
                    if end <= first or columns <= 0:
                        continue
                    for z in range(met(0, at.front - rz, at.sd, at.fd), met(at.d, at.front - rz, at.sd, at.fd)):
                        layer = c * at.d + z * at.sd + rz - at.front
                        source = x + (layer * at.h + first * at.sh + ry - at.top) * at.w + begin * at.sw + rx * at.shift - at.left
                        plane = (((c * at.rd + rz) * at.rh + ry) * at.rw + rx) * at.fd + z
                        to = frame + (plane * fh + first) * fw + begin
                        if at.sw == 1:
                            copy_rows(source, at.sh * at.w, to, fw, end - first, columns)
                            continue
                        for y in range(end - first):
                            if real is float:
                                rl_copy_steps_f4(to + y * fw, source + y * at.sh * at.w, at.sw, columns)
                            else:
                                rl_copy_steps_f8(to + y * fw, source + y * at.sh * at.w, at.sw, columns)


cdef void fill_lines(const Layout *at, const real *x, Py_ssize_t channels, real *frame) noexcept nogil:
    """Copy so many channels of one sample into a frame of lines of them."""
    cdef Py_ssize_t rz, ry, rx, z, y, first, end, begin, columns, fh = at.at.fh, fw = at.at.fw
    cdef Py_ssize_t apart = at.d * at.h * at.w, W = at.lanes
    cdef const real *source
    cdef real *to
    for rz in range(at.rd):
        for ry in range(at.rh):
            first, end = met(0, at.top - ry, at.sh, fh), met(at.h, at.top - ry, at.sh, fh)
            for rx in range(at.rw):
                begin = met(0, at.left - rx * at.shift, at.sw, fw)
                columns = met(at.w, at.left - rx * at.shift, at.sw, fw) - begin
                for z in range(met(0, at.front - rz, at.sd, at.fd), met(at.d, at.front - rz, at.sd, at.fd)):
                    for y in range(first, end):
                        source = x + ((z * at.sd + rz - at.front) * at.h + y * at.sh + ry - at.top) * at.w
                        source += begin * at.sw + rx * at.shift - at.left
                        to = frame + (((((rz * at.rh + ry) * at.rw + rx) * at.fd + z) * fh + y) * fw + begin) * W
                        if real is float:
                            rl_line_up_f4(source, apart, at.sw, to, columns, channels)
                        else:
                            rl_line_up_f8(source, apart, at.sw, to, columns, channels)


cdef void move_rows(const Layout *at, const real *source, real *to, bint narrow) noexcept nogil:
    """Between rows as wide as the frame and rows as wide as the output (narrow: to the latter)."""
    cdef Py_ssize_t r, z, od = at.at.od, oh = at.at.oh, ow = at.at.ow, fw = at.at.fw, wide, tight
    for r in range(at.rows):
        for z in range(od):
            wide, tight = r * at.length + z * at.at.fh * fw, (r * od + z) * oh * ow
            if narrow:
                copy_rows(source + wide, fw, to + tight, ow, oh, ow)
            else:
                copy_rows(source + tight, ow, to + wide, fw, oh, ow)


cdef void correlate_windows(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Lines of places of one sample; of one row, anywhere in the frame."""
    cdef Sheet *s = <Sheet *>what
    cdef const Layout *at = s.at
    cdef void *room
    if at.rows == 1:
        at.loops.correlate_row(s.weight, s.bias, s.frame, at.offsets, s.sheet, at.taps, begin * LANES, end * LANES)
        return
    room = malloc((at.rows + 10) * 64)
    if room == NULL:
        s.failed = True
        return
    at.loops.correlate(s.weight, s.bias, s.frame, at.offsets, at.firsts, &at.joined, aligned(room), s.sheet,
                       at.rows, at.taps, begin, end)
    free(room)


cdef void correlate_samples(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Groups of samples."""
    cdef Layout *at = <Layout *>what
    if at.single:
        correlate(at, begin, end, <float *>at.out)
    else:
        correlate(at, begin, end, <double *>at.out)


cdef void correlate(Layout *at, Py_ssize_t begin, Py_ssize_t end, real *out) noexcept nogil:
    cdef Py_ssize_t n, g, places = at.at.od * at.at.oh * at.at.ow
    cdef void *room = calloc(at.frame + LANES + (at.length if at.rows == 1 else 0), sizeof(real))
    cdef real *frame = <real *>aligned(room)
    cdef real *own
    cdef Sheet s
    if room == NULL:
        at.failed = True
        return
    s.at, s.frame, s.failed = at, frame, False
    for n in range(begin, end):
        g, own = n % at.groups, out + n * at.rows * places
        fill(at, <const real *>at.x + n * at.channels * at.d * at.h * at.w, frame)
        s.weight = <const real *>at.weight + g * at.rows * at.taps
        s.bias = NULL
        if at.bias != NULL:
            s.bias = <const real *>at.bias + g * at.rows
        s.sheet = frame + at.frame if at.rows == 1 else own
        spread(correlate_windows, &s, at.length // LANES if at.rows == 1 else at.lines, LEAST // (LANES * at.taps * at.rows) + 1)
        if at.rows == 1:
            move_rows(at, <const real *>s.sheet, own, True)
    if s.failed:
        at.failed = True
    free(room)


cdef void weigh_rows(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Four rows at a time of the gradient of a weight."""
    cdef Sheet *s = <Sheet *>what
    cdef const Layout *at = s.at
    cdef Py_ssize_t first = 4 * begin, rows = min(4 * end, at.rows) - 4 * begin, size = 4 if at.single else 8
    at.loops.weigh(s.frame, s.frame_step, <const char *>s.sheet + first * at.length * size, s.sheet_step, at.offsets,
                   <char *>s.total + first * at.taps * size, rows, at.taps, at.length, s.samples)


cdef bint pointwise(const Layout *at) noexcept nogil:
    """Whether each window is one place of the input, so that samples are their own frames and sheets."""
    return (
        at.kd * at.kh * at.kw == 1 and not at.front and not at.top and not at.left
        and at.at.od == at.d and at.at.oh == at.h and at.at.ow == at.w
    )


cdef void weigh(Layout *at, const real *x, const real *y, real *total) noexcept nogil:
    """total (groups, rows, taps) = the sum of y times the taps of its windows."""
    cdef Py_ssize_t n = 0, g, k, sheet = at.rows * at.length
    cdef Py_ssize_t together = min(max(1, TOGETHER // ((at.frame + sheet) * <Py_ssize_t>sizeof(real))), at.samples)
    cdef void *room = NULL
    cdef real *frames = NULL
    cdef real *sheets = NULL
    cdef const real *own
    cdef const real *weights
    cdef Py_ssize_t x_step = at.channels * at.d * at.h * at.w, y_step = at.rows * at.at.od * at.at.oh * at.at.ow
    cdef bint copied = not pointwise(at)
    cdef Sheet s
    s.at, s.frame_step, s.sheet_step = at, at.frame, sheet
    if copied:
        room = calloc(together * (at.frame + sheet) + LANES, sizeof(real))
        if room == NULL:
            at.failed = True
            return
        frames = <real *>aligned(room)
        sheets = frames + together * at.frame
        s.frame, s.sheet = frames, sheets
    else:
        at.length, s.frame_step, s.sheet_step = at.at.od * at.at.oh * at.at.ow, at.groups * x_step, at.groups * y_step
    while n < at.samples:
        s.samples = min(together, at.samples - n)
        for g in range(at.groups):
            own, weights = x + (n * at.groups + g) * x_step, y + (n * at.groups + g) * y_step
            if copied:
                for k in range(s.samples):
                    fill(at, own + k * at.groups * x_step, frames + k * at.frame)
                    move_rows(at, weights + k * at.groups * y_step, sheets + k * sheet, False)
            else:
                s.frame, s.sheet = own, <void *>weights
            s.total = total + g * at.rows * at.taps
            spread(weigh_rows, &s, (at.rows + 3) // 4, LEAST // (4 * s.samples * at.taps * at.length) + 1)
        n += s.samples
    free(room)


cdef void line_up(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Lines of channels of samples, as frames."""
    cdef Channels *s = <Channels *>what
    cdef const Layout *at = s.at
    cdef Py_ssize_t i, first, count, size = 4 if at.single else 8, inside = at.d * at.h * at.w
    cdef const char *x
    cdef char *frame
    for i in range(begin, end):
        first = i % s.blocks * at.lanes
        count = min(at.lanes, at.channels - first)
        x = <const char *>s.x + (i // s.blocks * at.channels + first) * inside * size
        frame = <char *>s.frames + i * at.plane * 64
        if at.single:
            fill_lines(at, <const float *>x, count, <float *>frame)
        else:
            fill_lines(at, <const double *>x, count, <double *>frame)


cdef void weigh_lines(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Of the gradient of a weight, eight rows and a row of the kernel, for a line of channels."""
    cdef Channels *s = <Channels *>what
    if s.at.single:
        weigh_line(s, <const float *>s.y, <const float *>s.frames, <float *>s.total, begin, end)
    else:
        weigh_line(s, <const double *>s.y, <const double *>s.frames, <double *>s.total, begin, end)


cdef void weigh_line(
    Channels *s, const real *y, const real *frames, real *total, Py_ssize_t begin, Py_ssize_t end
) noexcept nogil:
    cdef const Layout *at = s.at
    cdef Py_ssize_t W = at.lanes, kernel = at.kd * at.kh * at.kw, places = at.at.od * at.at.oh * at.at.ow
    cdef Py_ssize_t i, k, r, c, at_row, block, row, g, rows, channels
    cdef void *room = malloc(at.kw * 8 * 64 + 64)
    cdef real *sums = <real *>aligned(room)
    cdef real *to
    if room == NULL:
        s.failed = True
        return
    for i in range(begin, end):
        at_row = i % (at.kd * at.kh) * at.kw
        block = i // (at.kd * at.kh) % s.blocks
        row = i // (at.kd * at.kh * s.blocks) % s.high * 8
        g = i // (at.kd * at.kh * s.blocks * s.high)
        rows, channels = min(8, at.rows - row), min(W, at.channels - block * W)
        for k in range(at.kw * 8 * W):
            sums[k] = 0
        at.loops.weigh_channels(
            frames + (g * s.blocks + block) * at.plane * W, at.groups * s.blocks * at.plane * W,
            y + (g * at.rows + row) * places, at.groups * at.rows * places, places, rows, at.offsets + at_row, at.kw,
            &at.at, s.samples, sums)
        to = total + ((g * at.rows + row) * at.channels + block * W) * kernel + at_row
        for r in range(rows):
            for c in range(channels):
                for k in range(at.kw):
                    to[(r * at.channels + c) * kernel + k] += sums[(k * 8 + r) * W + c]
    free(room)


cdef void weigh_channels(Layout *at, const char *x, const char *y, void *total) noexcept nogil:
    """`weigh` for as many channels as make lines."""
    cdef Py_ssize_t blocks = (at.channels + at.lanes - 1) // at.lanes, n = 0, size = 4 if at.single else 8
    cdef Py_ssize_t frame = at.groups * blocks * at.plane * 64, places = at.at.od * at.at.oh * at.at.ow
    cdef Py_ssize_t together = min(max(1, TOGETHER // frame), at.samples)
    cdef void *room = calloc(together * frame + 64, 1)
    cdef Channels s
    if room == NULL:
        at.failed = True
        return
    s.at, s.frames, s.total, s.blocks, s.high, s.failed = at, aligned(room), total, blocks, (at.rows + 7) // 8, False
    while n < at.samples:
        s.samples = min(together, at.samples - n)
        s.x = x + n * at.groups * at.channels * at.d * at.h * at.w * size
        s.y = y + n * at.groups * at.rows * places * size
        spread(line_up, &s, s.samples * at.groups * blocks, LEAST_COPIED // (at.plane * at.lanes) + 1)
        spread(weigh_lines, &s, at.groups * s.high * blocks * at.kd * at.kh,
               LEAST // (s.samples * places * at.kw * 8 * at.lanes) + 1)
        n += s.samples
    if s.failed:
        at.failed = True
    free(room)


cdef void turn_rows(void *what, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Turned *s = <Turned *>what
    if s.at.single:
        turn(s.at, <const float *>s.weight, <float *>s.out, begin, end)
    else:
        turn(s.at, <const double *>s.weight, <double *>s.out, begin, end)


cdef void turn(const Layout *at, const real *weight, real *out, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """From (groups, channels, rows, kernel) to (groups, rows, channels, kernel), each kernel read backwards."""
    cdef Py_ssize_t row, c, k, size = at.kd * at.kh * at.kw
    cdef const real *source
    out += begin * at.channels * size
    for row in range(begin, end):
        source = weight + (row // at.rows * at.channels * at.rows + row % at.rows) * size
        for c in range(at.channels):
            for k in range(size):
                out[size - 1 - k] = source[k]
            source += at.rows * size
            out += size


cdef cnp.ndarray made(cnp.ndarray like, Py_ssize_t n, Py_ssize_t channels, Py_ssize_t d, Py_ssize_t h, Py_ssize_t w,
                      bint zeros):
    """A new array (n, channels, d, h, w), without d and h where `like` has none, of its dtype."""
    cdef cnp.npy_intp shape[5]
    cdef int dims = cnp.PyArray_NDIM(like)
    shape[0], shape[1], shape[2] = n, channels, d
    shape[dims - 2] = h if dims > 3 else channels
    shape[dims - 1] = w
    if zeros:
        return cnp.PyArray_ZEROS(dims, shape, cnp.PyArray_TYPE(like), 0)
    return empty(dims, shape, cnp.PyArray_TYPE(like))


cdef object correlated(Layout *at, cnp.ndarray a, cnp.ndarray w, object bias):
    cdef cnp.ndarray out, b = None
    cdef Py_ssize_t *offsets
    at.bias = NULL
    if bias is not None:
        if not isinstance(bias, cnp.ndarray) or cnp.PyArray_TYPE(<cnp.ndarray>bias) != cnp.PyArray_TYPE(a):
            return NotImplemented
        if cnp.PyArray_SIZE(<cnp.ndarray>bias) != at.groups * at.rows:
            return NotImplemented
        b = contiguous(<cnp.ndarray>bias)
        at.bias = cnp.PyArray_DATA(b)
    a, w = contiguous(a), contiguous(w)
    out = made(a, at.samples, at.groups * at.rows, at.at.od, at.at.oh, at.at.ow, False)
    at.x, at.weight, at.out, at.failed = cnp.PyArray_DATA(a), cnp.PyArray_DATA(w), cnp.PyArray_DATA(out), False
    if at.rows > 1:
        choose_frame(at)
    offsets = found_taps(at)
    at.firsts = found_lines(at)
    if offsets == NULL or at.firsts == NULL:
        free(offsets)
        free(at.firsts)
        raise MemoryError
    at.offsets = offsets
    with nogil:
        spread(correlate_samples, at, at.samples * at.groups, LEAST // (at.length * at.taps * at.rows) + 1)
    free(offsets)
    free(at.firsts)
    if at.failed:
        raise MemoryError
    return out


cdef bint meet(Layout *at, cnp.ndarray a, cnp.ndarray w, tuple stride, tuple dilation, Py_ssize_t groups):
    """Note what the input and the weight say; whether they are of one kind, and the input is of whole groups."""
    if cnp.PyArray_TYPE(w) != cnp.PyArray_TYPE(a) or cnp.PyArray_NDIM(w) != cnp.PyArray_NDIM(a):
        return False
    if groups < 1 or cnp.PyArray_DIM(a, 1) % groups:
        return False
    at.samples, at.groups = cnp.PyArray_DIM(a, 0), groups
    at.channels = cnp.PyArray_DIM(a, 1) // groups
    at.d, at.h, at.w = along(a, 0), along(a, 1), along(a, 2)
    at.kd, at.kh, at.kw = along(w, 0), along(w, 1), along(w, 2)
    at.dd, at.dh, at.dw = entry(dilation, 0, 1), entry(dilation, 1, 1), entry(dilation, 2, 1)
    at.sd, at.sh, at.sw = entry(stride, 0, 1), entry(stride, 1, 1), entry(stride, 2, 1)
    return at.sd > 0 and at.sh > 0 and at.sw > 0


def convolution(x, weight, bias, *, tuple stride, tuple padding, tuple dilation, groups, size=None):
    """The cross-correlation of x with weight at `size` places, or at all."""
    cdef Layout at
    if not plain(x) or not plain(weight) or not meet(&at, x, weight, stride, dilation, groups):
        return NotImplemented
    if cnp.PyArray_DIM(<cnp.ndarray>weight, 1) != at.channels or cnp.PyArray_DIM(<cnp.ndarray>weight, 0) % at.groups:
        return NotImplemented
    at.rows = cnp.PyArray_DIM(<cnp.ndarray>weight, 0) // at.groups
    at.front, at.top, at.left = entry(padding, 0, 0), entry(padding, 1, 0), entry(padding, 2, 0)
    at.at.od = window_count(at.d, at.kd, at.front, at.dd, at.sd)
    at.at.oh = window_count(at.h, at.kh, at.top, at.dh, at.sh)
    at.at.ow = window_count(at.w, at.kw, at.left, at.dw, at.sw)
    if size is not None:
        at.at.od, at.at.oh, at.at.ow = entry(size, 0, 1), entry(size, 1, 1), entry(size, 2, 1)
    if not settle(&at, cnp.PyArray_ITEMSIZE(<cnp.ndarray>x)) or not fit(&at) or not quicker(&at):
        return NotImplemented
    return correlated(&at, x, weight, bias)


def convolution_transpose(x, weight, bias, *, tuple size, tuple stride, tuple padding, tuple dilation, groups):
    """The adjoint of `convolution` in its input: the correlation with weight read backwards."""
    cdef Layout at
    cdef cnp.ndarray w, turned
    cdef Turned weights
    if not plain(x) or not plain(weight) or not meet(&at, x, weight, stride, dilation, groups) or not one(&at):
        return NotImplemented
    if cnp.PyArray_DIM(<cnp.ndarray>weight, 0) != cnp.PyArray_DIM(<cnp.ndarray>x, 1):
        return NotImplemented
    at.rows = cnp.PyArray_DIM(<cnp.ndarray>weight, 1)
    at.front = at.dd * (at.kd - 1) - entry(padding, 0, 0)
    at.top = at.dh * (at.kh - 1) - entry(padding, 1, 0)
    at.left = at.dw * (at.kw - 1) - entry(padding, 2, 0)
    at.at.od, at.at.oh, at.at.ow = entry(size, 0, 1), entry(size, 1, 1), entry(size, 2, 1)
    if not settle(&at, cnp.PyArray_ITEMSIZE(<cnp.ndarray>x)) or not quicker(&at):
        return NotImplemented
    w = contiguous(<cnp.ndarray>weight)
    turned = made(w, at.groups * at.rows, at.channels, at.kd, at.kh, at.kw, False)
    weights.at, weights.weight, weights.out = &at, cnp.PyArray_DATA(w), cnp.PyArray_DATA(turned)
    with nogil:
        spread(turn_rows, &weights, at.groups * at.rows, LEAST_COPIED // at.taps + 1)
    return correlated(&at, x, turned, bias)


def convolution_weight(x, y, *, tuple kernel, tuple stride, tuple padding, tuple dilation, groups):
    """The gradient of a weight with spatial shape `kernel`: y weighs the windows of x."""
    cdef Layout at
    cdef cnp.ndarray a, g, total
    cdef Py_ssize_t *offsets
    cdef const void *source
    cdef const void *weights
    cdef void *to
    cdef bint lined
    if not plain(x) or not plain(y) or not meet(&at, x, y, stride, dilation, groups):
        return NotImplemented
    if cnp.PyArray_DIM(<cnp.ndarray>y, 0) != at.samples or cnp.PyArray_DIM(<cnp.ndarray>y, 1) % at.groups:
        return NotImplemented
    at.rows = cnp.PyArray_DIM(<cnp.ndarray>y, 1) // at.groups
    at.at.od, at.at.oh, at.at.ow = at.kd, at.kh, at.kw
    at.kd, at.kh, at.kw = entry(kernel, 0, 1), entry(kernel, 1, 1), entry(kernel, 2, 1)
    at.front, at.top, at.left = entry(padding, 0, 0), entry(padding, 1, 0), entry(padding, 2, 0)
    if not settle(&at, cnp.PyArray_ITEMSIZE(<cnp.ndarray>x)) or not fit(&at):
        return NotImplemented
    # Of fewer channels than half a line, windows are computed together instead.
    lined = at.channels * 2 >= at.lanes
    if not lined and not quicker(&at):
        return NotImplemented
    a, g = contiguous(<cnp.ndarray>x), contiguous(<cnp.ndarray>y)
    total = made(a, at.groups * at.rows, at.channels, at.kd, at.kh, at.kw, True)
    source, weights, to = cnp.PyArray_DATA(a), cnp.PyArray_DATA(g), cnp.PyArray_DATA(total)
    at.failed = False
    offsets = found_taps(&at)
    if offsets == NULL:
        raise MemoryError
    at.offsets = offsets
    with nogil:
        if lined:
            weigh_channels(&at, <const char *>source, <const char *>weights, to)
        elif at.single:
            weigh(&at, <const float *>source, <const float *>weights, <float *>to)
        else:
            weigh(&at, <const double *>source, <const double *>weights, <double *>to)
    free(offsets)
    if at.failed:
        raise MemoryError
    return total
