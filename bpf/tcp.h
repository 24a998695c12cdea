/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_TCP_H
#define LORIKEET_TCP_H

#include "histogram.h"

enum connect_failure {
    FAILURE_REFUSED,
    FAILURE_TIMEOUT,
    FAILURE_RESET,
    FAILURE_UNREACHABLE,
    FAILURE_OTHER,
    CONNECT_FAILURES,
};

/* Map `tcp`: struct service_key -> struct tcp_stats.
 * opened - closed is the number of connections open now, but for those that were open before the programs. */
struct tcp_stats {
    __u64 opened;
    __u64 closed;
    __u64 sent_bytes;
    __u64 received_bytes;
    __u64 connect_failures[CONNECT_FAILURES]; /* clients only */
    struct histogram connect;                 /* clients only: SYN to established */
    struct histogram lifetime;                /* established to closed */
};

#endif
