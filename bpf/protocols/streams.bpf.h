/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_STREAMS_BPF_H
#define LORIKEET_STREAMS_BPF_H

#include "../shared/maps.bpf.h"
#include "../shared/types.bpf.h"

/* The open streams of a connection of HTTP/2, freed by the kernel with its socket. */

/* A stream's slot: of `id` modulo the number of slots. */
#define STREAM_SLOTS 128

enum stream_state {
    STREAM_DONE,
    STREAM_OPEN,
    STREAM_ANSWERED_EARLY, /* another CPU has seen the response first */
};

struct stream {
    __u32 id;
    __u32 state; /* enum stream_state */
    __u64 start_ns;
};

struct frames {
    __u32 left; /* bytes of the current frame */
    __u8 have;  /* bytes of the next frame's header */
    __u8 head[9];
};

struct http2_connection {
    struct frames requests, responses;
    __u32 open; /* streams */
    __u32 lost; /* the place in a stream was lost: nothing is counted any more */
    struct stream streams[STREAM_SLOTS];
};

struct http2_connections_map {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct http2_connection);
};

extern struct http2_connections_map http2_connections SEC(".maps");
extern struct event_count lost_streams SEC(".maps");

/* The streams that are open when a connection ends. */
static __always_inline __u32 close_http2(struct sock *sk) {
    struct http2_connection *connection = bpf_sk_storage_get(&http2_connections, sk, 0, 0);

    return connection && !connection->lost ? __sync_lock_test_and_set(&connection->open, 0) : 0;
}

#endif
