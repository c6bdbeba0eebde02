/* Memory for large arrays, kept for the next array of its size: fresh pages cost more than most loops over them. */

#ifndef RL_BUFFERS_H
#define RL_BUFFERS_H

#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <numpy/arrayobject.h>
#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif
#ifdef _WIN32
#include <windows.h>
#else
#include <pthread.h>
#include <sched.h>
#endif

/* Sizes that are kept, and how much altogether. Smaller ones the C library keeps itself. */
#define RL_SMALLEST ((size_t)1 << 17)
#define RL_LARGEST ((size_t)1 << 26)
#define RL_MOST_KEPT ((size_t)1 << 27)
/* By how much memory may grow beyond what arrays ever used at once, for the sake of keeping. */
#define RL_MOST_BEYOND ((long long)1 << 23)
#define RL_SLOTS 256
#define RL_HUGE ((size_t)1 << 21)

typedef struct { void *at; size_t size; } rl_block;

/* What is kept, the oldest first. */
static struct {
    rl_block block[RL_SLOTS];
    size_t bytes;
    int count, busy;
} rl_kept;

/* What is told of it: now, at most, and altogether so far. Each changes by itself, so that no thread waits for another. */
typedef struct { long long now, peak, up, down; } rl_gauge;
static struct {
    rl_gauge arrays, used, reserved;
    long long hits, misses, released, retries, failures;
    /* The most that arrays ever used, whatever peaks were forgotten. */
    long long most;
} rl_told;

#define rl_plus(at, n) __atomic_add_fetch((at), (long long)(n), __ATOMIC_RELAXED)
#define rl_read(at) __atomic_load_n((at), __ATOMIC_RELAXED)

static void rl_at_least(long long *peak, long long now) {
    long long before = rl_read(peak);
    while (now > before && !__atomic_compare_exchange_n(peak, &before, now, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

static long long rl_more(rl_gauge *gauge, size_t n) {
    long long now = rl_plus(&gauge->now, n);
    rl_plus(&gauge->up, n);
    rl_at_least(&gauge->peak, now);
    return now;
}

static void rl_less(rl_gauge *gauge, size_t n) {
    rl_plus(&gauge->now, -(long long)n);
    rl_plus(&gauge->down, n);
}

static void rl_forget_peak(rl_gauge *gauge) { __atomic_store_n(&gauge->peak, rl_read(&gauge->now), __ATOMIC_RELAXED); }

/* The bytes of the buffer of an array. Whole pages, and an eighth of the size at most for nothing: arrays of nearly one
   size share a buffer. What is never kept is as large as it is. */
static size_t rl_class_of(size_t size) {
    size_t step = 4096;
    if (size < RL_SMALLEST || size > RL_LARGEST) return size + !size;
    while (step * 16 < size) step *= 2;
    return (size + step - 1) / step * step;
}

static int rl_enter(void) { return __atomic_exchange_n(&rl_kept.busy, 1, __ATOMIC_ACQUIRE) == 0; }
#ifndef _WIN32
static void rl_wait(void) { while (!rl_enter()) sched_yield(); }
#else
static void rl_wait(void) { while (!rl_enter()) SwitchToThread(); }
#endif
static void rl_leave(void) { __atomic_store_n(&rl_kept.busy, 0, __ATOMIC_RELEASE); }

/* Whoever forks waits until no other thread is at the slots: a child would find them half changed, and taken for ever. */
static void rl_share_with_children(void) {
#ifndef _WIN32
    static int done;
    if (!__atomic_exchange_n(&done, 1, __ATOMIC_ACQ_REL)) pthread_atfork(rl_wait, rl_leave, rl_leave);
#endif
}

/* Before each buffer stands where its memory begins, how much was mapped (0: it is the C library's), and its size. */
typedef struct { void *base; size_t mapped, size; } rl_header;
#define RL_HEAD ((size_t)64)

static rl_header *rl_header_of(void *p) { return (rl_header *)((char *)p - RL_HEAD); }

static void *rl_headed(char *p, void *base, size_t mapped, size_t size) {
    rl_header header = {base, mapped, size};
    *rl_header_of(p) = header;
    return p;
}

/* From the system itself, to which it can go back at any time: what the C library frees it may keep. On large pages, where
   there are such and they are used whole: fewer faults at first, and fewer misses of addresses later. */
static void *rl_mapped(size_t size, size_t used) {
#ifdef __linux__
    static int asked, wanted;
    /* Checkers of memory look at what the C library hands out, and have Python ask it for everything. */
    if (!asked) {
        const char *told = getenv("PYTHONMALLOC");
        wanted = told == NULL || strcmp(told, "malloc") != 0;
        asked = 1;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE), align = size < RL_HUGE ? page : RL_HUGE;
    if (!wanted || size < RL_SMALLEST) return NULL;
    size = (size + page - 1) / page * page;
    size_t whole = size + align + (align > page ? page : 0);
    char *base = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return NULL;
    char *p = (char *)(((size_t)base + page + align - 1) / align * align), *end = p + size;
    if (p - page > base) munmap(base, (size_t)(p - page - base));
    if (end < base + whole) munmap(end, (size_t)(base + whole - end));
#ifdef MADV_HUGEPAGE
    used = used / RL_HUGE * RL_HUGE;
    if (align == RL_HUGE && used) madvise(p, used < size ? used : size, MADV_HUGEPAGE);
#endif
    return rl_headed(p, p - page, (size_t)(end - p) + page, size);
#else
    return NULL;
#endif
}

static void *rl_fresh(size_t size, size_t used) {
    char *p = rl_mapped(size, used), *base;
    if (p) {
        rl_header_of(p)->size = size;
        return p;
    }
    base = size > PTRDIFF_MAX - 2 * RL_HEAD ? NULL : malloc(size + 2 * RL_HEAD);
    return base ? rl_headed((char *)(((size_t)base + 2 * RL_HEAD) / RL_HEAD * RL_HEAD), base, 0, size) : NULL;
}

static void rl_give_back(void *p) {
    rl_header header = *rl_header_of(p);
    rl_less(&rl_told.reserved, header.size);
    rl_plus(&rl_told.released, 1);
#ifdef __linux__
    if (header.mapped) {
        munmap(header.base, header.mapped);
        return;
    }
#endif
    free(header.base);
}

/* Take one out; the slots are the caller's. */
static rl_block rl_taken(int i) {
    rl_block block = rl_kept.block[i];
    rl_kept.bytes -= block.size;
    memmove(rl_kept.block + i, rl_kept.block + i + 1, (--rl_kept.count - i) * sizeof block);
    return block;
}

/* The one of that size that was used last. */
static void *rl_found(size_t size) {
    void *found = NULL;
    if (!rl_kept.count || !rl_enter()) return NULL;
    for (int i = rl_kept.count; i-- && !found;)
        if (rl_kept.block[i].size == size) found = rl_taken(i).at;
    rl_leave();
    return found;
}

/* Give the oldest back until so many bytes at most are kept; how many bytes that were. One by one, on little of a stack that
   may not be able to grow. */
static size_t rl_shrink(size_t most) {
    size_t freed = 0;
    for (;;) {
        rl_block old = {NULL, 0};
        /* The slots are another thread's for a moment at most. */
        rl_wait();
        if (rl_kept.bytes > most) old = rl_taken(0);
        rl_leave();
        if (old.at == NULL) return freed;
        freed += old.size;
        rl_give_back(old.at);
    }
}

static size_t rl_empty(void) { return rl_shrink(0); }

/* Other sizes than are kept are asked for: those go, so that what is kept takes no memory that arrays never took. */
static void rl_make_room(size_t size) {
    if (size > PTRDIFF_MAX / 2) return;
    long long used = rl_read(&rl_told.used.now) + (long long)size, most = rl_read(&rl_told.most);
    long long left = (used > most ? used : most) + RL_MOST_BEYOND - used;
    if (rl_kept.count && rl_read(&rl_told.reserved.now) - rl_read(&rl_told.used.now) > left) rl_shrink((size_t)left);
}

static void *rl_buffer(void *unused, size_t asked) {
    (void)unused;
    size_t size = rl_class_of(asked);
    void *p = rl_found(size);
    if (p) {
        rl_plus(&rl_told.hits, 1);
    } else {
        rl_plus(&rl_told.misses, 1);
        rl_make_room(size);
        p = rl_fresh(size, asked);
        /* Where the system has no more, what is kept may be enough. */
        if (p == NULL && rl_empty()) {
            rl_plus(&rl_told.retries, 1);
            p = rl_fresh(size, asked);
        }
        if (p == NULL) {
            rl_plus(&rl_told.failures, 1);
            return NULL;
        }
        rl_more(&rl_told.reserved, size);
    }
    rl_more(&rl_told.arrays, 1);
    rl_at_least(&rl_told.most, rl_more(&rl_told.used, size));
    return p;
}

static void rl_buffer_free(void *unused, void *p, size_t told) {
    (void)unused, (void)told;
    if (p == NULL) return;
    rl_block block = {p, rl_header_of(p)->size};
    rl_less(&rl_told.arrays, 1);
    rl_less(&rl_told.used, block.size);
    /* The oldest go until there is room: they were not asked for since. */
    while (block.size >= RL_SMALLEST && block.size <= RL_LARGEST && rl_enter()) {
        rl_block old = {NULL, 0};
        if (rl_kept.count == RL_SLOTS || rl_kept.bytes + block.size > RL_MOST_KEPT) {
            old = rl_taken(0);
        } else {
            rl_kept.block[rl_kept.count++] = block;
            rl_kept.bytes += block.size;
        }
        rl_leave();
        if (old.at == NULL) return;
        rl_give_back(old.at);
    }
    rl_give_back(p);
}

static void *rl_buffer_zeroed(void *unused, size_t count, size_t each) {
    void *p = rl_buffer(unused, count * each);
    return p ? memset(p, 0, count * each) : NULL;
}

static void *rl_buffer_resized(void *unused, void *p, size_t size) {
    size_t before = p ? rl_header_of(p)->size : 0;
    void *larger = rl_buffer(unused, size);
    if (larger == NULL || p == NULL) return larger;
    memcpy(larger, p, before < size ? before : size);
    rl_buffer_free(unused, p, before);
    return larger;
}

static PyDataMem_Handler rl_handler = {"rushlight", 1, {NULL, rl_buffer, rl_buffer_zeroed, rl_buffer_resized, rl_buffer_free}};
static PyObject *rl_handler_capsule;

/* An uninitialised array; where it is large, its memory comes from what is kept, or is counted at least. */
static PyObject *rl_new_array(int nd, npy_intp *dims, int type) {
    PyArray_Descr *descr = PyArray_DescrFromType(type);
    size_t size = PyDataType_ELSIZE(descr);
    for (int i = 0; i < nd && size <= RL_LARGEST; i++) size *= (size_t)dims[i];
    if (size < RL_SMALLEST) {
        return PyArray_NewFromDescr(&PyArray_Type, descr, nd, dims, NULL, NULL, 0, NULL);
    }
    if (rl_handler_capsule == NULL) {
        rl_share_with_children();
        rl_handler_capsule = PyCapsule_New(&rl_handler, "mem_handler", NULL);
    }
    PyObject *before = rl_handler_capsule ? PyDataMem_SetHandler(rl_handler_capsule) : NULL, *out, *mine;
    if (before == NULL) {
        Py_DECREF(descr);
        return NULL;
    }
    out = PyArray_NewFromDescr(&PyArray_Type, descr, nd, dims, NULL, NULL, 0, NULL);
    PyObject *type_, *value, *trace;
    PyErr_Fetch(&type_, &value, &trace);
    mine = PyDataMem_SetHandler(before);
    Py_DECREF(before);
    Py_XDECREF(mine);
    PyErr_Restore(type_, value, trace);
    return out;
}

#endif
