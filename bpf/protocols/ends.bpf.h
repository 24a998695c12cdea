/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_ENDS_BPF_H
#define LORIKEET_ENDS_BPF_H

#include "../shared/maps.bpf.h"
#include "../shared/socket_counts.bpf.h"
#include "../shared/types.bpf.h"
#include "../shared/unseen.bpf.h"
#include "exchange.bpf.h"
#include "streams.bpf.h"

/* Requests that are open when their connection ends. */

/* Bytes sent this short before a close (TLS close_notify, a protocol's QUIT) expect no response. */
#define CLOSING_BYTES_NS 10000000

/* True if this state change ends the wait for a response: the process closed the socket, or the connection broke. A
 * shutdown of one direction does not: the response may still arrive, or be unread. */
static __always_inline bool gives_up(const struct sock *sk, int old_state, int new_state) {
    if (new_state == TCP_FIN_WAIT1 || new_state == TCP_LAST_ACK)
        return sk->sk_shutdown == SHUTDOWN_MASK;
    if (new_state != TCP_CLOSE)
        return false;
    return old_state == TCP_ESTABLISHED || old_state == TCP_CLOSE_WAIT || sk->sk_err ||
           (sk->__sk_common.skc_flags & (1UL << SOCK_DEAD));
}

/* True if the server has sent bytes, whether or not the process has read them. */
static __always_inline bool is_heard(const struct sock *sk, const struct socket_state *socket) {
    const struct tcp_sock *tp = (const void *)(is_mptcp(sk) ? first_subflow(sk) : sk);

    /* Its FIN counts as a byte. */
    return socket->heard || BPF_CORE_READ(tp, bytes_received) > (socket->half_closed ? 1 : 0);
}

/* True for bytes that expect no response: those sent just before a close, and those of a connection on which the server
 * has never sent any, such as one to a log server. */
static __always_inline bool is_one_way(const struct sock *sk, const struct socket_state *socket, __u64 begin) {
    if (sk->sk_err)
        return false;
    if (socket->way == WAY_LAST && !is_heard(sk, socket))
        return true;
    return !socket->cut_short && bpf_ktime_get_ns() - begin < CLOSING_BYTES_NS;
}

/* Counts the requests of a client whose response never came. */
static __always_inline void unanswered(struct sock *sk, const struct exchange *exchange) {
    struct socket_state *socket = exchange->socket;
    __u32 count = 0;
    __u64 begin;

    if (socket->request_ns && !is_answered_unseen(sk, socket)) {
        socket->given_up = true;
        begin = __sync_lock_test_and_set(&socket->request_ns, 0);
        count = begin && !is_one_way(sk, socket, begin);
    }
    if (socket->way == WAY_STREAMS)
        count += close_http2(sk);
    if (count && exchange->edge)
        atomic_add(&exchange->edge->unanswered, count);
}

/* The peer sends nothing more. A response may be unread; the close of the socket decides. */
static __always_inline void half_closed(struct sock *sk) {
    struct socket_state *socket = bpf_sk_storage_get(&sockets, sk, 0, 0);

    if (!socket || socket->half_closed)
        return;
    socket->half_closed_sequence = sent_sequence(sk);
    barrier();
    socket->half_closed = true;
    socket->cut_short = socket->request_ns != 0;
}

/* Ends the requests of a connection that ends. */
static __always_inline void end_requests(struct sock *sk, int old_state, int new_state) {
    struct exchange exchange = {};
    struct socket_state *socket;
    bool abandoned = gives_up(sk, old_state, new_state);

    if (new_state != TCP_CLOSE && !abandoned)
        return;
    socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (!socket || (!socket->request_ns && socket->way != WAY_STREAMS))
        return;
    exchange.socket = socket;
    if (!find_rows(&exchange))
        return;
    end_answered(&exchange);
    add_late(&exchange);
    if (abandoned && socket->service.role == ROLE_CLIENT)
        unanswered(sk, &exchange);
}

#endif
