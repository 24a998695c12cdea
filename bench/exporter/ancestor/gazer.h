/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef GAZER_H
#define GAZER_H

#include <linux/types.h>

/* The event of one closed connection. */
struct event {
    __u64 duration_ns;
    __u64 sent_bytes;
    __u64 received_bytes;
    __u32 local; /* IPv4 addresses in network order; others are not supported */
    __u32 peer;
    __u16 local_port; /* host order, as in the tracepoint */
    __u16 peer_port;
    __u32 client; /* 1: the local end opened the connection */
};

#endif
