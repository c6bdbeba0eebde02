/* Whether the processor takes denormal numbers for zero, read and written: a mode of each thread. */

#ifndef RL_DENORMALS_H
#define RL_DENORMALS_H

#ifdef __x86_64__
#include <xmmintrin.h>
#define RL_MODES 1
/* Results (flush to zero) and operands (denormals are zero). */
#define RL_FLUSH 0x8040u
static inline unsigned rl_flush_get(void) { return _mm_getcsr() & RL_FLUSH; }
static void rl_flush_set(unsigned mode) { _mm_setcsr((_mm_getcsr() & ~RL_FLUSH) | mode); }
#elif defined(__aarch64__)
#include <stdint.h>
#define RL_MODES 1
#define RL_FLUSH (1u << 24)
static inline unsigned rl_flush_get(void) {
    uint64_t control;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(control));
    return (unsigned)control & RL_FLUSH;
}
static void rl_flush_set(unsigned mode) {
    uint64_t control;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(control));
    control = (control & ~(uint64_t)RL_FLUSH) | mode;
    __asm__ __volatile__("msr fpcr, %0" : : "r"(control));
}
#else
#define RL_MODES 0
#define RL_FLUSH 0u
static inline unsigned rl_flush_get(void) { return 0; }
static void rl_flush_set(unsigned mode) { (void)mode; }
#endif

#endif
