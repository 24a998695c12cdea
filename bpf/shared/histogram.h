/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_HISTOGRAM_H
#define LORIKEET_HISTOGRAM_H

#include <linux/types.h>

/* Durations by powers of two of a second: buckets[i] counts 2^(i-17) s < d <= 2^(i-16) s. So a bucket is one of
 * Prometheus' native histograms (schema 0), and its upper bound the `le` of a classic one. buckets[0] has everything up
 * to 2^-16 s (15 us), the last bucket everything above 2^5 s (32 s). */
#define HISTOGRAM_BUCKETS 23
#define HISTOGRAM_FIRST_EXPONENT 16

struct histogram {
    __u64 sum_ns;
    __u64 buckets[HISTOGRAM_BUCKETS];
};

#endif
