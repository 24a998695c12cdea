// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "protocols/exchange.bpf.h"
#include "protocols/bytes.bpf.h"
#include "udp/udp.bpf.h"
#include "shared/adoption.bpf.h"
#include "shared/attribution.bpf.h"
#include "shared/core_fixes.bpf.h"
#include "shared/histogram.bpf.h"
#include "shared/maps.bpf.h"
#include "shared/mptcp.bpf.h"
#include "shared/ownership.bpf.h"
#include "shared/shares.bpf.h"
#include "shared/socket_counts.bpf.h"
#include "shared/types.bpf.h"
#include "shared/unseen.bpf.h"

/* Requests and bytes of connections, from the calls that send and receive. Since kernel 6.3 tracepoints fire after each
 * call, with the number of bytes. On older kernels TCP's own functions are hooked.
 *
 * The first bytes of a connection tell its protocol (protocol.bpf.h), and the protocol how its requests are counted
 * (exchange.bpf.h, http2.bpf.h).
 *
 * For the bytes plain adds are enough: each of these words of `edges` and `services` has a single writer, and the
 * kernel never runs a program twice at a time on a CPU. The skipped run would be lost if sockets were used in softirq,
 * but these calls can sleep, so only tasks make them.
 *
 * Bytes that bypass receive calls, such as those of splice() from a socket, are the matter of unseen.bpf.h. Not counted
 * are bytes that a sockmap redirects, and before kernel 6.5 those of sendfile() and splice() to a socket. */

/* Returns the state of a TCP or MPTCP socket of known role, otherwise NULL. */
static __always_inline struct socket_state *find_socket(struct sock *sk) {
    struct socket_state *socket;

    if (!is_stream(sk))
        return NULL;
    socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (!socket || (socket->service.role == ROLE_UNKNOWN && socket->phase == PHASE_NONE))
        socket = adopt(sk);
    if (!socket || socket->service.role == ROLE_UNKNOWN)
        return NULL;
    /* Bytes sent with the handshake (TCP Fast Open). */
    complete_edge(socket, sk);
    own(socket);
    return socket;
}

/* After its FIN the peer sends no response, unless it had the request before. The call may return only after the FIN
 * has come: the bytes of the call began where the sequence was before it. */
static __always_inline bool may_be_answered(struct sock *sk, struct socket_state *socket, int length) {
    __u32 begin;

    if (sk->__sk_common.skc_state != TCP_CLOSE_WAIT)
        return true;
    begin = sent_sequence(sk) - length;
    if (!socket->half_closed || (__s32)(socket->half_closed_sequence - begin) <= 0)
        return false;
    socket->cut_short = true;
    return true;
}

/* The connection broke before the call returned, and no response is left to read. */
static __always_inline bool is_broken(struct sock *sk) {
    const struct tcp_sock *tp;

    if (sk->__sk_common.skc_state != TCP_CLOSE)
        return false;
    tp = bpf_skc_to_tcp_sock(sk);
    return !tp || tp->copied_seq == tp->rcv_nxt;
}

/* If the request was open before the call, the change of state has counted it. */
static __always_inline void fail_request(const struct exchange *exchange, __u32 length) {
    struct socket_state *socket = exchange->socket;

    if ((socket->way != WAY_FIRST && socket->way != WAY_LAST) || is_farewell(socket, length))
        return;
    if (exchange->edge && !__sync_lock_test_and_set(&socket->given_up, true))
        atomic_add(&exchange->edge->unanswered, 1);
}

/* Ends the response so far. */
static __noinline int end_response(struct socket_state *socket) {
    struct exchange exchange = {.socket = socket};

    if (!socket->answered_ns || !find_rows(&exchange))
        return 0;
    end_answered(&exchange);
    add_late(&exchange);
    return 0;
}

/* Counts a call of `length` bytes, of which `counted` are not yet. A function of its own, so that the verifier checks
 * it once for all that comes before. */
static __noinline int count_call(struct sock *sk, struct exchange *exchange, int length, __u32 counted, enum how how) {
    struct socket_state *socket = exchange->socket;
    const bool of_client = socket->service.role == ROLE_CLIENT;
    int result = 0;

    if (!find_rows(exchange))
        return 0;
    if (how == SENT && of_client && is_broken(sk))
        fail_request(exchange, length);
    else if (how != SENT || !of_client || may_be_answered(sk, socket, length))
        handle_bytes(sk, exchange, length, how);
    add_call(exchange, how == SENT ? counted : 0, how == SENT ? 0 : counted);
    sample_round_trip(sk, socket, &exchange->service->tcp, exchange->now);
    /* Of a constant result clang knows that it needs no register, and the verifier refuses the pointer left there. */
    barrier_var(result);
    return result;
}

/* Functions of their own: with the programs' frames the stack would be too large for the calls of UDP. */
static __noinline int handle_send(struct sock *sk, int length) {
    struct socket_state *socket = length > 0 ? find_socket(sk) : NULL;
    struct exchange exchange = {.socket = socket};

    if (!socket)
        return 0;
    exchange.now = bpf_ktime_get_ns();
    if (socket->service.role == ROLE_CLIENT && !is_waiting(socket) && can_hold(sk, socket, length, exchange.now)) {
        hold(sk, socket, length, exchange.now);
        return 0;
    }
    /* The response so far ends before the request that was not seen. */
    if (notice_unseen(sk, socket, exchange.now))
        end_response(socket);
    return count_call(sk, &exchange, length, length, SENT);
}

static __noinline int handle_receive(struct sock *sk, int length, int flags, enum how how) {
    struct exchange exchange = {};
    struct socket_state *socket;
    __u32 unclaimed;

    /* Peeked data is received again later; the error queue returns sent data. */
    if (length < 0 || flags & (MSG_PEEK | MSG_ERRQUEUE))
        return 0;
    /* At the end of what the peer sends. */
    if (!length) {
        socket = is_stream(sk) ? bpf_sk_storage_get(&sockets, sk, 0, 0) : NULL;
        return socket ? end_response(socket) : 0;
    }
    socket = find_socket(sk);
    if (!socket)
        return 0;
    exchange.socket = socket;
    exchange.now = bpf_ktime_get_ns();
    unclaimed = forget(claim_received(sk, socket, length), exchange.now);
    if (how == RECEIVED && socket->service.role == ROLE_SERVER && can_hold(sk, socket, length, exchange.now)) {
        hold(sk, socket, unclaimed, exchange.now);
        return 0;
    }
    return count_call(sk, &exchange, length, unclaimed, how);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(sock_send_length, struct sock *sk, int length, int flags) {
    return is_stream(sk) ? handle_send(sk, length) : datagram_sent(sk, length);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(sock_recv_length, struct sock *sk, int length, int flags) {
    return is_stream(sk) ? handle_receive(sk, length, flags, RECEIVED) : datagram_received(sk, length, flags, 0);
}

/* Variants for kernels before 6.3, which added the tracepoints (commit 6e6eda44b939). IPv4 and IPv6 share the
 * functions. Sockets with kernel TLS bypass them. */
SEC("fexit/tcp_sendmsg")
WITHOUT_TRACEPOINT(sock_send_length)
int BPF_PROG(tcp_sendmsg, struct sock *sk, struct msghdr *message, unsigned long size, int length) {
    return handle_send(sk, length);
}

SEC("fexit/tcp_recvmsg")
WITHOUT_TRACEPOINT(sock_recv_length)
FUNCTION_PARAMETERS(5)
int BPF_PROG(tcp_recvmsg, struct sock *sk, struct msghdr *message, unsigned long size, int flags, int *address_length,
             int length) {
    return handle_receive(sk, length, flags, RECEIVED);
}

/* Before kernel 5.19 nonblock was a parameter of its own (commit ec095263a965). */
SEC("fexit/tcp_recvmsg")
WITHOUT_TRACEPOINT(sock_recv_length)
FUNCTION_PARAMETERS(6)
int BPF_PROG(tcp_recvmsg_nonblock, struct sock *sk, struct msghdr *message, unsigned long size, int nonblock, int flags,
             int *address_length, int length) {
    return handle_receive(sk, length, flags, RECEIVED);
}

/* Fires after each receive call, several times for a long one, and after each splice() from a socket. User space
 * attaches it once `unseen_requests` counts. It takes the bytes before the receive call's own event, which then finds
 * them counted. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(tcp_rcv_space_adjust, struct sock *sk) {
    struct socket_state *socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    __s32 bytes = socket && socket->unseen ? uncounted_bytes(sk, socket) : 0;

    return bytes > 0 ? handle_receive(sk, bytes, 0, TAKEN) : 0;
}

/* Bytes that are taken after both ends have closed the connection, by a process whose cgroup is not yet known to need
 * the program above. User space attaches both at the same time. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy_sock, struct sock *sk) {
    struct socket_state *socket = bpf_sk_storage_get(&sockets, sk, 0, 0);

    if (socket && socket->service.role != ROLE_UNKNOWN)
        is_answered_unseen(sk, socket);
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
