/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_REQUESTS_H
#define LORIKEET_REQUESTS_H

#include "histogram.h"

/* Requests whose end is known later than their response begins (WAY_LAST, see exchange.bpf.h) have no duration yet. The
 * number of requests is that of durations, plus `begun`, minus `measured`. */
struct late_requests {
    __u64 begun;    /* responses that have begun */
    __u64 measured; /* of these, those whose duration was added */
};

/* Part of struct service_stats. */
struct request_stats {
    struct histogram durations;
    struct late_requests late;
    __u64 client_wait_ns; /* part of the durations that waited for the client, see client_wait.bpf.h */
};

/* Map `edges`: struct edge_key -> struct edge_stats. */
struct edge_stats {
    struct histogram durations;
    __u64 sent_bytes;
    __u64 received_bytes;
    __u64 connect_failures;
    __u64 unanswered;   /* requests that the client abandoned, or whose connection broke */
    __u64 unseen_bytes; /* received without a receive call, not in received_bytes */
    struct late_requests late;
    __u64 responses;        /* final ones whose status is counted (bpf/http/status.bpf.h) */
    __u64 failed;           /* of these, those that report a fault of the server */
    __u64 unanswered_bytes; /* sent in requests without a response, not in sent_bytes */
    __u64 client_wait_ns;   /* as of struct request_stats */
};

#endif
