/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef GAZER_H
#define GAZER_H

#include <linux/types.h>

/* One closed connection, as the agent gets it. */
struct event {
    __u64 duration_ns;
    __u64 sent_bytes;
    __u64 received_bytes;
    __u32 local; /* IPv4 addresses in network order: the only kind that it knows */
    __u32 peer;
    __u16 local_port; /* host order, as the tracepoint gives ports */
    __u16 peer_port;
    __u32 client; /* whether it began the connection */
};

#endif
