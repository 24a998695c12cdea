/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_HISTOGRAM_H
#define LORIKEET_HISTOGRAM_H

#include <linux/types.h>

/* Durations in nanoseconds by powers of two: buckets[i] counts 2^(13+i) < d <= 2^(14+i), so the upper bound of a bucket
 * is a Prometheus `le`. buckets[0] has everything up to 2^14 ns (16 us), the last bucket everything above 2^35 ns (34
 * s). */
#define HISTOGRAM_BUCKETS 23
#define HISTOGRAM_FIRST_SHIFT 14

struct histogram {
    __u64 sum_ns;
    __u64 buckets[HISTOGRAM_BUCKETS];
};

#endif
