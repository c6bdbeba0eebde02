/* A few threads that share the work of one loop. They start with the first loop that is long enough, and sleep
   between loops. One loop at a time is shared: a second thread of Python's that comes meanwhile does its own alone. */

#ifndef RL_THREADS_H
#define RL_THREADS_H

#include <Python.h>

#include "kernels/denormals.h"

typedef void (*rl_work)(void *what, Py_ssize_t begin, Py_ssize_t end);

#ifdef _WIN32
static int rl_threads_get(void) { return 1; }
static void rl_threads_set(int n) { (void)n; }
static void rl_spread(rl_work work, void *what, Py_ssize_t n, Py_ssize_t least) { (void)least; work(what, 0, n); }
#else

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

#define RL_MOST_THREADS 64
/* Parts for each thread: one that is late leaves its share to the others. */
#define RL_PARTS 4
/* Nanoseconds for which a thread looks for more to do before it sleeps: about what it takes to be woken. */
#define RL_LOOKING 200000

#if defined(__x86_64__) || defined(__i386__)
#define RL_PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RL_PAUSE() __asm__ __volatile__("yield")
#else
#define RL_PAUSE() ((void)0)
#endif

static struct {
    pthread_mutex_t lock;
    pthread_cond_t begun, left;
    int wanted, started, active, open, busy;
    unsigned generation, flush;
    rl_work work;
    void *what;
    Py_ssize_t n, part;
    int parts;
    unsigned char taken[RL_MOST_THREADS * RL_PARTS];
    pthread_t threads[RL_MOST_THREADS];
    int kept_off[RL_MOST_THREADS]; /* a processor + 1, or 0 */
} rl_team = {.lock = PTHREAD_MUTEX_INITIALIZER, .begun = PTHREAD_COND_INITIALIZER, .left = PTHREAD_COND_INITIALIZER};

static int rl_processors(void) {
    const char *said = getenv("OMP_NUM_THREADS");
    int n = said ? atoi(said) : 0;
    if (n <= 0) {
#ifdef __linux__
        cpu_set_t allowed;
        if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) n = CPU_COUNT(&allowed);
#endif
        if (n <= 0) n = (int)sysconf(_SC_NPROCESSORS_ONLN);
    }
    return n < 1 ? 1 : n > RL_MOST_THREADS ? RL_MOST_THREADS : n;
}

/* A child process has none of its parent's threads, and whatever they held is free there. */
static void rl_after_fork(void) {
    int wanted = rl_team.wanted;
    unsigned generation = rl_team.generation;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    memset(&rl_team, 0, sizeof rl_team);
    rl_team.lock = lock;
    rl_team.begun = rl_team.left = cond;
    rl_team.wanted = wanted;
    rl_team.generation = generation;
}

static int rl_threads_get(void) {
    if (!rl_team.wanted) {
        rl_team.wanted = rl_processors();
        pthread_atfork(NULL, NULL, rl_after_fork);
    }
    return rl_team.wanted;
}

static void rl_threads_set(int n) {
    rl_threads_get();
    rl_team.wanted = n < 1 ? 1 : n > RL_MOST_THREADS ? RL_MOST_THREADS : n;
}

/* Each thread begins with its own parts, the same in every loop, so that its caches hold them; then it helps out. */
static void rl_take_parts(int rank) {
    for (int k = 0; k < rl_team.parts; k++) {
        int i = (rank * RL_PARTS + k) % rl_team.parts;
        if (__atomic_exchange_n(&rl_team.taken[i], 1, __ATOMIC_RELAXED)) continue;
        Py_ssize_t begin = i * rl_team.part, end = begin + rl_team.part;
        if (begin < rl_team.n) rl_team.work(rl_team.what, begin, end < rl_team.n ? end : rl_team.n);
    }
}

static int64_t rl_nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Look for as long, at most; the clock is read now and then. */
#define RL_LOOK_WHILE(CONDITION)                                                                               \
    for (int64_t end = rl_nanoseconds() + RL_LOOKING, looks = 1;                                               \
         (CONDITION) && (looks % 32 || rl_nanoseconds() < end); looks++) RL_PAUSE()

/* Keep the threads off the processor that the caller runs on, or else they may be woken there and wait for milliseconds,
   until it is through: in a virtual machine Linux takes an idle processor for one that the host has taken away. */
static void rl_keep_off(int threads) {
#ifdef __linux__
    int here = sched_getcpu();
    for (int rank = 1; here >= 0 && rank < threads; rank++) {
        cpu_set_t others;
        if (rl_team.kept_off[rank] == here + 1) continue;
        if (sched_getaffinity(0, sizeof others, &others) != 0) return;
        CPU_CLR(here, &others);
        if (CPU_COUNT(&others) == 0) return;
        pthread_setaffinity_np(rl_team.threads[rank], sizeof others, &others);
        rl_team.kept_off[rank] = here + 1;
    }
#else
    (void)threads;
#endif
}

static void *rl_worker(void *number) {
    int rank = (int)(size_t)number;
    unsigned seen = 0;
    for (;;) {
        RL_LOOK_WHILE(__atomic_load_n(&rl_team.generation, __ATOMIC_ACQUIRE) == seen);
        pthread_mutex_lock(&rl_team.lock);
        while (rl_team.generation == seen) pthread_cond_wait(&rl_team.begun, &rl_team.lock);
        seen = rl_team.generation;
        if (!rl_team.open || rank >= rl_team.wanted) {
            pthread_mutex_unlock(&rl_team.lock);
            continue;
        }
        rl_team.active++;
        rl_flush_set(rl_team.flush);
        pthread_mutex_unlock(&rl_team.lock);
        rl_take_parts(rank);
        pthread_mutex_lock(&rl_team.lock);
        if (__atomic_sub_fetch(&rl_team.active, 1, __ATOMIC_RELEASE) == 0) pthread_cond_signal(&rl_team.left);
        pthread_mutex_unlock(&rl_team.lock);
    }
    return NULL;
}

/* Threads of the team leave signals to those of Python. */
static void rl_start_threads(int n) {
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (rl_team.started < n - 1) {
        if (pthread_create(&thread, NULL, rl_worker, (void *)(size_t)(rl_team.started + 1)) != 0) break;
        pthread_detach(thread);
        rl_team.threads[++rl_team.started] = thread;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Call work(what, begin, end) for parts that make up [0, n), each of at least `least`. */
static void rl_spread(rl_work work, void *what, Py_ssize_t n, Py_ssize_t least) {
    int threads = n >= 2 * least ? rl_threads_get() : 1;
    if (threads == 1 || __atomic_exchange_n(&rl_team.busy, 1, __ATOMIC_ACQUIRE)) {
        work(what, 0, n);
        return;
    }
    if (rl_team.started < threads - 1) rl_start_threads(threads);
    Py_ssize_t parts = n / least < threads * RL_PARTS ? n / least : threads * RL_PARTS;
    pthread_mutex_lock(&rl_team.lock);
    rl_team.work = work;
    rl_team.what = what;
    rl_team.flush = rl_flush_get(); /* all compute as the caller does */
    rl_team.n = n;
    /* Whole cache lines, so that no two threads write to one. */
    rl_team.part = (n + parts - 1) / parts;
    if (least >= 64) rl_team.part = (rl_team.part + 63) / 64 * 64;
    rl_team.parts = (int)parts;
    memset(rl_team.taken, 0, (size_t)parts);
    rl_team.open = 1;
    __atomic_add_fetch(&rl_team.generation, 1, __ATOMIC_RELEASE);
    rl_keep_off(rl_team.started + 1 < threads ? rl_team.started + 1 : threads);
    pthread_cond_broadcast(&rl_team.begun);
    pthread_mutex_unlock(&rl_team.lock);
    rl_take_parts(0);
    RL_LOOK_WHILE(__atomic_load_n(&rl_team.active, __ATOMIC_ACQUIRE));
    pthread_mutex_lock(&rl_team.lock);
    rl_team.open = 0;
    while (rl_team.active) pthread_cond_wait(&rl_team.left, &rl_team.lock);
    pthread_mutex_unlock(&rl_team.lock);
    __atomic_store_n(&rl_team.busy, 0, __ATOMIC_RELEASE);
}

#endif
#endif
