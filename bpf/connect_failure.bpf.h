/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_CONNECT_FAILURE_BPF_H
#define LORIKEET_CONNECT_FAILURE_BPF_H

#include "shared/tcp.h"
#include "shared/types.bpf.h"

/* The last ICMP error in the socket's error queue, or 0. For a SYN the kernel queues the message and wakes the
 * application before it sets sk_err, and the application may clear sk_err (SO_ERROR) before the state changes. Then the
 * queue is the only place that still has the error. */
static __always_inline int queued_error(const struct sock *sk) {
    const struct sock_extended_err *error;
    const struct sk_buff *last;

    if (!sk->sk_error_queue.qlen)
        return 0;
    last = sk->sk_error_queue.prev;
    error = (const void *)(last->cb + bpf_core_field_offset(struct sock_exterr_skb, ee));
    if (error->ee_origin != SO_EE_ORIGIN_ICMP && error->ee_origin != SO_EE_ORIGIN_ICMP6)
        return 0;
    return error->ee_errno;
}

static __always_inline int connect_error(const struct sock *sk) {
    int queued;

    if (sk->sk_err)
        return sk->sk_err;
    queued = queued_error(sk);
    /* The soft error is an ICMP error after which TCP was still retrying when the application gave up. */
    return queued ? queued : sk->sk_err_soft;
}

/* The reason for a change from SYN_SENT to CLOSE. */
static __always_inline enum connect_failure failure_of(struct sock *sk) {
    struct tcp_sock *tp;

    switch (connect_error(sk)) {
    case ECONNREFUSED:
        return FAILURE_REFUSED;
    case ETIMEDOUT:
        return FAILURE_TIMEOUT;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
        return FAILURE_RESET;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ENONET:
        return FAILURE_UNREACHABLE;
    case 0:
        /* The application closed the socket: a timeout of its own if a SYN was retransmitted. */
        tp = bpf_skc_to_tcp_sock(sk);
        return tp && tp->inet_conn.icsk_retransmits ? FAILURE_TIMEOUT : FAILURE_OTHER;
    default:
        return FAILURE_OTHER;
    }
}

#endif
