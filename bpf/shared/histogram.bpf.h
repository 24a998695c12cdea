/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_HISTOGRAM_BPF_H
#define LORIKEET_HISTOGRAM_BPF_H

#include "histogram.h"
#include "types.bpf.h"

/* 1 if the word is not 0, without a branch: each branch doubles the paths that the verifier follows. */
#define NONZERO(word) (((word) | -(word)) >> 63)

/* The bucket of a duration, see histogram.h: the bit length of (d - 1) >> 14, by binary search, since BPF has no
 * instruction for it. */
static __always_inline __u32 histogram_bucket(__u64 duration_ns) {
    __u64 rest = (duration_ns - NONZERO(duration_ns)) >> HISTOGRAM_FIRST_SHIFT;
    __u64 shift, bits = 0;

    if (rest >> (HISTOGRAM_BUCKETS - 2))
        return HISTOGRAM_BUCKETS - 1;
#pragma unroll
    for (__u32 half = 4; half > 0; half--) {
        shift = NONZERO(rest >> (1 << half)) << half;
        rest >>= shift;
        bits += shift;
    }
    /* The rest is 0 to 3, with a bit length of 0, 1, 2 and 2. */
    return bits + NONZERO(rest) + (rest >> 1);
}

/* The verifier cannot derive the bound from the arithmetic above, so it needs a check right before the access. */
#define HISTOGRAM_BOUND(bucket) ((bucket) < HISTOGRAM_BUCKETS ? (bucket) : HISTOGRAM_BUCKETS - 1)

/* Histograms are written in process and in softirq context, see atomic_add. */
static __always_inline void histogram_add_to(struct histogram *histogram, __u64 duration_ns, __u32 bucket) {
    __sync_fetch_and_add(&histogram->sum_ns, duration_ns);
    __sync_fetch_and_add(&histogram->buckets[HISTOGRAM_BOUND(bucket)], 1);
}

static __always_inline void histogram_add(struct histogram *histogram, __u64 duration_ns) {
    histogram_add_to(histogram, duration_ns, histogram_bucket(duration_ns));
}

#endif
