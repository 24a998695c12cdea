/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_REQUESTS_H
#define LORIKEET_REQUESTS_H

#include "histogram.h"

/* Map `requests`: struct service_key -> struct histogram, whose count is the number of requests.
 * Map `edges`: struct edge_key -> struct edge_stats. */
struct edge_stats {
    struct histogram requests;
    __u64 sent_bytes;
    __u64 received_bytes;
    __u64 connect_failures;
    __u64 unanswered;   /* requests that the client abandoned, or whose connection broke */
    __u64 unseen_bytes; /* received without a receive call, not in received_bytes */
};

#endif
