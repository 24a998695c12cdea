/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_HELD_BPF_H
#define LORIKEET_HELD_BPF_H

#include "../shared/maps.bpf.h"
#include "../shared/shares.bpf.h"
#include "../shared/socket_counts.bpf.h"
#include "../shared/types.bpf.h"
#include "exchange.bpf.h"

/* What the calls of a request have to add is held in the state of its socket until the response comes, which looks up
 * the rows of the maps anyway: so each end of a request looks them up once. These are its bytes and, for WAY_LAST, the
 * duration of the request before, which ends now. The close of the connection adds what is left.
 *
 * Only where a response is to be expected, and for few bytes: a large upload shows while it runs. A connection older
 * than the programs may be one whose close no program sees. */

#define MAX_HELD_BYTES 16384

/* What is held, and from now on the caller's to add. */
struct held {
    __u64 duration; /* plus 1; 0: none */
    __u32 bytes;
};

static __always_inline struct held take_held(struct socket_state *socket) {
    struct held held = {};

    if (socket->held_bytes)
        held.bytes = __sync_lock_test_and_set(&socket->held_bytes, 0);
    if (socket->held_duration)
        held.duration = __sync_lock_test_and_set(&socket->held_duration, 0);
    return held;
}

/* Adds a held duration, and what else is late. */
static __always_inline void add_held_duration(struct exchange *exchange, __u64 duration) {
    if (duration) {
        count_request(exchange, duration - 1);
        exchange->late--;
    }
    add_late(exchange);
}

/* Adds what is held of a connection that ends. A softirq may run this: the words for the bytes are others than those of
 * the calls. */
static __noinline int add_held(struct socket_state *socket) {
    struct exchange exchange = {.socket = socket};
    struct held held = take_held(socket);

    if ((!held.bytes && !held.duration) || !find_rows(&exchange))
        return 0;
    add_held_duration(&exchange, held.duration);
    atomic_add(socket->service.role == ROLE_CLIENT ? &exchange.service->tcp.unanswered_bytes
                                                   : &exchange.service->tcp.unseen_bytes,
               held.bytes);
    if (exchange.edge)
        atomic_add(&exchange.edge->unanswered_bytes, held.bytes);
    return 0;
}

/* True if a request can start now without a look at the rows. */
static __always_inline bool can_hold_start(const struct socket_state *socket) {
    if (socket->way == WAY_FIRST)
        return !socket->answered_ns;
    /* After a response: one that never had any may be a one-way sender, whose bytes would be held for long. */
    return socket->way == WAY_LAST && socket->answered_ns && !socket->tickets && !socket->held_duration;
}

/* Starts a request, and holds what there is to add. */
static __always_inline void hold(struct sock *sk, struct socket_state *socket, __u32 length, __u64 now) {
    __u64 begin, end = socket->way == WAY_LAST ? __sync_lock_test_and_set(&socket->answered_ns, 0) : 0;

    if (end) {
        begin = __sync_lock_test_and_set(&socket->request_ns, now);
        if (begin)
            socket->held_duration = 1 + (end > begin ? end - begin : 0);
    } else if (!socket->request_ns) {
        socket->request_ns = now;
    } else if (socket->protocol == PROTOCOL_HTTP1) {
        wait_for_client(sk, socket, now);
    }
    atomic_add(&socket->held_bytes, length);
    /* A close on another CPU may have come before. */
    if (socket->phase != PHASE_ESTABLISHED)
        add_held(socket);
}

/* Adds the bytes of a call, and what is held. */
static __always_inline void add_call(struct exchange *exchange, __u64 sent, __u64 received) {
    struct socket_state *socket = exchange->socket;
    struct held held = take_held(socket);

    add_held_duration(exchange, held.duration);
    if (socket->service.role == ROLE_CLIENT)
        sent += held.bytes;
    else
        received += held.bytes;
    exchange->service->tcp.sent_bytes += sent;
    exchange->service->tcp.received_bytes += received;
    if (!exchange->edge)
        return;
    exchange->edge->sent_bytes += sent;
    exchange->edge->received_bytes += received;
}

#endif
