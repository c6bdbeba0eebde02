/* Memory for large arrays, kept for the next array of its size: fresh pages cost more than most loops over them. */

#ifndef RL_BUFFERS_H
#define RL_BUFFERS_H

#include <Python.h>
#include <stdlib.h>
#include <string.h>
#include <numpy/arrayobject.h>
#ifdef __linux__
#include <sys/mman.h>
#endif
#ifndef _WIN32
#include <pthread.h>
#include <sched.h>
#endif

/* Sizes that are kept, and how much altogether. Smaller ones the C library keeps itself. */
#define RL_SMALLEST ((size_t)1 << 17)
#define RL_LARGEST ((size_t)1 << 26)
#define RL_MOST_KEPT ((size_t)1 << 27)
#define RL_SLOTS 32
#define RL_HUGE ((size_t)1 << 21)

static struct {
    void *at[RL_SLOTS];
    size_t size[RL_SLOTS], kept;
    int next, busy;
} rl_kept;

/* Whole pages, and an eighth of the size at most for nothing: arrays of nearly one size share a buffer. */
static size_t rl_class_of(size_t size) {
    size_t step = 4096;
    while (step * 16 < size) step *= 2;
    return (size + step - 1) / step * step;
}

static int rl_enter(void) { return __atomic_exchange_n(&rl_kept.busy, 1, __ATOMIC_ACQUIRE) == 0; }
#ifndef _WIN32
static void rl_wait(void) { while (!rl_enter()) sched_yield(); }
#endif
static void rl_leave(void) { __atomic_store_n(&rl_kept.busy, 0, __ATOMIC_RELEASE); }

/* Whoever forks waits until no other thread is at the slots: a child would find them half changed, and taken for ever. */
static void rl_share_with_children(void) {
#ifndef _WIN32
    static int done;
    if (!__atomic_exchange_n(&done, 1, __ATOMIC_ACQ_REL)) pthread_atfork(rl_wait, rl_leave, rl_leave);
#endif
}

/* On large pages, where the system has them: fewer faults at first, and fewer misses of addresses later. */
static void *rl_fresh(size_t size) {
#ifdef MADV_HUGEPAGE
    void *p = NULL;
    if (size < RL_HUGE) return malloc(size);
    if (posix_memalign(&p, RL_HUGE, size) != 0) return NULL;
    madvise(p, size, MADV_HUGEPAGE);
    return p;
#else
    return malloc(size);
#endif
}

static void *rl_buffer(void *unused, size_t size) {
    (void)unused;
    if (size < RL_SMALLEST || size > RL_LARGEST) return malloc(size ? size : 1);
    size = rl_class_of(size);
    void *found = NULL;
    if (rl_kept.kept && rl_enter()) {
        for (int i = 0; i < RL_SLOTS; i++) {
            if (rl_kept.size[i] != size) continue;
            found = rl_kept.at[i];
            rl_kept.kept -= size;
            rl_kept.size[i] = 0;
            break;
        }
        rl_leave();
    }
    return found ? found : rl_fresh(size);
}

static void rl_buffer_free(void *unused, void *p, size_t size) {
    (void)unused;
    if (p == NULL || size < RL_SMALLEST || size > RL_LARGEST || !rl_enter()) {
        free(p);
        return;
    }
    size = rl_class_of(size);
    /* The slots whose turn has come, until there is room: what they hold was not asked for since. */
    void *old[RL_SLOTS];
    int count = 0, i;
    do {
        i = rl_kept.next;
        rl_kept.next = (i + 1) % RL_SLOTS;
        old[count++] = rl_kept.size[i] ? rl_kept.at[i] : NULL;
        rl_kept.kept -= rl_kept.size[i];
        rl_kept.size[i] = 0;
    } while (rl_kept.kept + size > RL_MOST_KEPT);
    rl_kept.at[i] = p;
    rl_kept.size[i] = size;
    rl_kept.kept += size;
    rl_leave();
    while (count) free(old[--count]);
}

static void *rl_buffer_zeroed(void *unused, size_t count, size_t each) {
    (void)unused;
    size_t size = count * each;
    return calloc(size < RL_SMALLEST || size > RL_LARGEST ? size + !size : rl_class_of(size), 1);
}

/* NumPy does not say how large it was, and a buffer's own size is at least its class. */
static void *rl_buffer_resized(void *unused, void *p, size_t size) {
    (void)unused;
    return realloc(p, size < RL_SMALLEST || size > RL_LARGEST ? size + !size : rl_class_of(size));
}

static PyDataMem_Handler rl_handler = {"rushlight", 1, {NULL, rl_buffer, rl_buffer_zeroed, rl_buffer_resized, rl_buffer_free}};
static PyObject *rl_handler_capsule;

/* An uninitialised array whose memory, where it is large, comes from what is kept. */
static PyObject *rl_new_array(int nd, npy_intp *dims, int type) {
    PyArray_Descr *descr = PyArray_DescrFromType(type);
    size_t size = PyDataType_ELSIZE(descr);
    for (int i = 0; i < nd && size <= RL_LARGEST; i++) size *= (size_t)dims[i];
    if (size < RL_SMALLEST || size > RL_LARGEST) {
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

static size_t rl_empty(void) {
    size_t freed = 0;
    if (!rl_enter()) return 0;
    for (int i = 0; i < RL_SLOTS; i++) {
        if (!rl_kept.size[i]) continue;
        freed += rl_kept.size[i];
        free(rl_kept.at[i]);
        rl_kept.size[i] = 0;
    }
    rl_kept.kept = 0;
    rl_leave();
    return freed;
}

#endif
