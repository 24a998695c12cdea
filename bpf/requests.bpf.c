// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "exchange.bpf.h"
#include "http/http1.bpf.h"
#include "http/status.bpf.h"
#include "protocol.bpf.h"
#include "shared/adoption.bpf.h"
#include "shared/attribution.bpf.h"
#include "shared/core_fixes.bpf.h"
#include "shared/histogram.bpf.h"
#include "shared/maps.bpf.h"
#include "shared/socket_counts.bpf.h"
#include "shared/types.bpf.h"

/* Requests and bytes of connections, from the calls that send and receive. Since kernel 6.3 tracepoints fire after each
 * call, with the number of bytes. On older kernels TCP's own functions are hooked.
 *
 * The first bytes of a connection tell its protocol (protocol.bpf.h), and the protocol how its requests are counted
 * (exchange.bpf.h, http2.bpf.h).
 *
 * For the bytes plain adds are enough: each of these words of `edges` and `tcp` has a single writer, and the kernel
 * never runs a program twice at a time on a CPU. The skipped run would be lost if sockets were used in softirq, but
 * these calls can sleep, so only tasks make them.
 *
 * Bytes that bypass send and receive calls are not counted: splice() from a socket, TCP_ZEROCOPY_RECEIVE, sockmap, and
 * before kernel 6.5 sendfile() and splice() to a socket. The counters in tcp_sock are no exact substitute: they count
 * acknowledged or queued bytes, whether or not the application has read them. */

/* An interim response, "HTTP/1.1 100 Continue", is not longer. */
#define SHORT_RESPONSE 64

/* Returns the state of a TCP socket of known role, otherwise NULL. */
static __always_inline struct socket_state *find_socket(struct sock *sk) {
    struct socket_state *socket;

    if (!is_tcp(sk))
        return NULL;
    socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (!socket || (socket->service.role == ROLE_UNKNOWN && socket->phase == PHASE_NONE))
        socket = adopt(sk);
    return socket && socket->service.role != ROLE_UNKNOWN ? socket : NULL;
}

/* Bytes of an HTTP/1.x response. An interim response does not end its request: the client sends the rest of it now. */
static __always_inline void answered_http(struct sock *sk, const struct exchange *exchange,
                                          const struct payload *payload) {
    struct socket_state *socket = exchange->socket;
    __u32 class = payload ? status_class(payload) : 0;

    if (socket->status && (class || socket->request_ns))
        count_status(socket, exchange->edge, class);
    if (class == 1 && !switches(payload)) {
        class = class_after_interim(payload);
        if (class == 1)
            return;
        if (socket->status)
            count_status(socket, exchange->edge, class);
    }
    answered(exchange);
    if (class == 1)
        set_protocol(sk, socket, PROTOCOL_WEBSOCKET);
    else if (class == 2 && socket->tunnel)
        look_again(socket);
}

/* True if the bytes of a call have to be looked at. */
static __always_inline bool needs_payload(const struct socket_state *socket, __u32 length, bool of_client) {
    if (socket->protocol == PROTOCOL_UNSEEN || socket->way == WAY_HANDSHAKE || socket->way == WAY_STREAMS)
        return true;
    if (of_client)
        return socket->protocol == PROTOCOL_REDIS || socket->protocol == PROTOCOL_MONGODB;
    if (socket->protocol != PROTOCOL_HTTP1 || !socket->request_ns)
        return false;
    return socket->status || length <= SHORT_RESPONSE || !socket->heard;
}

/* `of_client`: the bytes go from client to server. */
static __always_inline void handle_bytes(struct sock *sk, const struct exchange *exchange, int length, bool of_client) {
    struct socket_state *socket = exchange->socket;
    const struct payload *payload = NULL;
    struct payload found;

    if (needs_payload(socket, length, of_client) && find_payload(sk, length, &found))
        payload = &found;
    if (socket->protocol == PROTOCOL_UNSEEN)
        look(sk, socket, payload, of_client);
    if (!of_client && !socket->heard)
        socket->heard = true;
    if (socket->way == WAY_HANDSHAKE)
        handshake(sk, socket, payload, of_client);
    if (socket->way == WAY_STREAMS)
        follow_http2(sk, exchange, payload, of_client);
    else if (!of_client && socket->protocol == PROTOCOL_HTTP1)
        answered_http(sk, exchange, payload);
    else if (!of_client)
        answered(exchange);
    else if (!payload || !waits(sk, socket, payload))
        requested(exchange);
}

static __always_inline int handle_send(struct sock *sk, int length) {
    struct socket_state *socket = length > 0 ? find_socket(sk) : NULL;
    struct exchange exchange = {.socket = socket};
    struct tcp_stats *stats;

    if (!socket)
        return 0;
    exchange.now = bpf_ktime_get_ns();
    exchange.edge = find_edge(socket);
    /* After its FIN the peer sends no response. */
    if (socket->service.role == ROLE_SERVER || sk->__sk_common.skc_state != TCP_CLOSE_WAIT)
        handle_bytes(sk, &exchange, length, socket->service.role == ROLE_CLIENT);
    stats = find_tcp(&socket->service);
    if (stats) {
        stats->sent_bytes += length;
        sample_round_trip(sk, socket, stats, exchange.now);
    }
    if (exchange.edge)
        exchange.edge->sent_bytes += length;
    return 0;
}

/* At the end of what the peer sends a response is complete. */
static __always_inline void handle_end(struct sock *sk) {
    struct socket_state *socket = is_tcp(sk) ? bpf_sk_storage_get(&sockets, sk, 0, 0) : NULL;
    struct exchange exchange = {.socket = socket};

    if (!socket || !socket->answered_ns)
        return;
    exchange.edge = find_edge(socket);
    end_answered(&exchange);
}

static __always_inline int handle_receive(struct sock *sk, int length, int flags) {
    struct exchange exchange = {};
    struct socket_state *socket;
    struct tcp_stats *stats;

    /* Peeked data is received again later; the error queue returns sent data. */
    if (length < 0 || flags & (MSG_PEEK | MSG_ERRQUEUE))
        return 0;
    if (!length) {
        handle_end(sk);
        return 0;
    }
    socket = find_socket(sk);
    if (!socket)
        return 0;
    exchange.socket = socket;
    exchange.now = bpf_ktime_get_ns();
    exchange.edge = find_edge(socket);
    handle_bytes(sk, &exchange, length, socket->service.role == ROLE_SERVER);
    stats = find_tcp(&socket->service);
    if (stats) {
        stats->received_bytes += length;
        sample_round_trip(sk, socket, stats, exchange.now);
    }
    if (exchange.edge)
        exchange.edge->received_bytes += length;
    return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(sock_send_length, struct sock *sk, int length, int flags) {
    return handle_send(sk, length);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(sock_recv_length, struct sock *sk, int length, int flags) {
    return handle_receive(sk, length, flags);
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
    return handle_receive(sk, length, flags);
}

/* Before kernel 5.19 nonblock was a parameter of its own (commit ec095263a965). */
SEC("fexit/tcp_recvmsg")
WITHOUT_TRACEPOINT(sock_recv_length)
FUNCTION_PARAMETERS(6)
int BPF_PROG(tcp_recvmsg_nonblock, struct sock *sk, struct msghdr *message, unsigned long size, int nonblock, int flags,
             int *address_length, int length) {
    return handle_receive(sk, length, flags);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
