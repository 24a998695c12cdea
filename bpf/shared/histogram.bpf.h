/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_HISTOGRAM_BPF_H
#define LORIKEET_HISTOGRAM_BPF_H

#include "histogram.h"
#include "types.bpf.h"

#define NANOSECONDS 1000000000ULL

/* The bucket of a duration, see histogram.h. The bit length of (d - 1) >> 14, by binary search, since BPF has no
 * instruction for it, is the first bucket whose upper bound may be large enough: that of bucket i is in (2^(13+i),
 * 2^(14+i)] ns. */
static __always_inline __u32 histogram_bucket(__u64 duration_ns) {
    __u64 wide = duration_ns ? (duration_ns - 1) >> 14 : 0;
    __u32 rest, bits = 0;

    if (wide >> (HISTOGRAM_BUCKETS - 2))
        return HISTOGRAM_BUCKETS - 1;
    rest = wide;
    if (rest >> 16) {
        rest >>= 16;
        bits += 16;
    }
    if (rest >> 8) {
        rest >>= 8;
        bits += 8;
    }
    if (rest >> 4) {
        rest >>= 4;
        bits += 4;
    }
    if (rest >> 2) {
        rest >>= 2;
        bits += 2;
    }
    /* The rest is 0 to 3, with a bit length of 0, 1, 2 and 2. */
    bits += rest > 1 ? 2 : rest;
    /* The next bucket if the bound is smaller than the duration: then the difference is negative. A comparison would
     * triple the paths that the verifier walks. Durations are integers, so a bound rounded down is exact. */
    return bits + ((((NANOSECONDS << bits) >> HISTOGRAM_FIRST_EXPONENT) - duration_ns) >> 63);
}

/* The verifier cannot derive the bound from the arithmetic above, so it needs a check right before the access. */
#define HISTOGRAM_BOUND(bucket) ((bucket) < HISTOGRAM_BUCKETS ? (bucket) : HISTOGRAM_BUCKETS - 1)

/* For a histogram with a single writing program. */
static __always_inline void histogram_add(struct histogram *histogram, __u64 duration_ns) {
    __u32 bucket = HISTOGRAM_BOUND(histogram_bucket(duration_ns));

    histogram->sum_ns += duration_ns;
    histogram->buckets[bucket]++;
}

/* For a histogram written in process and in softirq context, see atomic_add. */
static __always_inline void histogram_add_atomic(struct histogram *histogram, __u64 duration_ns) {
    __u32 bucket = HISTOGRAM_BOUND(histogram_bucket(duration_ns));

    __sync_fetch_and_add(&histogram->sum_ns, duration_ns);
    __sync_fetch_and_add(&histogram->buckets[bucket], 1);
}

#endif
