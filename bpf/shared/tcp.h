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

enum reset_direction {
    RESET_SENT,
    RESET_RECEIVED,
    RESET_DIRECTIONS,
};

/* Part of struct service_stats. opened + adopted - closed is the number of open connections. */
struct tcp_stats {
    __u64 opened;
    __u64 closed;
    __u64 sent_bytes;
    __u64 received_bytes;
    __u64 connect_failures[CONNECT_FAILURES]; /* clients only */
    struct histogram connect;                 /* clients only: SYN to established */
    struct histogram lifetime;                /* established to closed, of connections newer than the programs */
    struct histogram round_trip;              /* samples of the smoothed time, see socket_counts.bpf.h */
    __u64 retransmitted;                      /* segments, as the kernel's RetransSegs counts them */
    __u64 resets[RESET_DIRECTIONS];
    __u64 adopted; /* connections older than the programs */
    /* Not in received_bytes: received without a receive call, or by a server in requests without a response. */
    __u64 unseen_bytes;
    __u64 unanswered_bytes; /* not in sent_bytes: sent by a client in requests without a response */
};

/* Map `listeners`: struct listener_key -> struct listener_stats. */
struct listener_key {
    __u64 cgroup;
    __u16 port; /* host order */
    __u16 reserved[3];
};

struct listener_stats {
    __u64 drops; /* connections dropped, as in the kernel's ListenDrops: the accept queue was full */
};

/* Map `accept_queues`: kernel address of a listening socket -> struct accept_queue. A row exists while the socket
 * listens; its port, length and limit are as of the last run of read_accept_queues. */
struct accept_queue {
    struct listener_key key; /* port 0: no longer listening, but the event was missed */
    __u32 length;            /* connections waiting to be accepted */
    __u32 limit;             /* maximum of length */
    __u32 drops;             /* part of sk_drops already counted in listener_stats */
    __u32 netns;             /* inode of the network namespace */
};

#endif
