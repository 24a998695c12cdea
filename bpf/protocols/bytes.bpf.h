/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_BYTES_BPF_H
#define LORIKEET_BYTES_BPF_H

#include "../calls/payload.bpf.h"
#include "../http/http1.bpf.h"
#include "../http/status.bpf.h"
#include "../shared/types.bpf.h"
#include "exchange.bpf.h"
#include "held.bpf.h"
#include "http2.bpf.h"
#include "protocol.bpf.h"

/* What the bytes of a call mean, by the protocol of their connection. */

/* An interim response, "HTTP/1.1 100 Continue", is not longer. */
#define SHORT_RESPONSE 64

/* Bytes of an HTTP/1.x response. An interim response does not end its request: the client sends the rest of it now. */
static __always_inline void answered_http(struct sock *sk, struct exchange *exchange, const struct payload *payload) {
    struct socket_state *socket = exchange->socket;
    __u32 status = payload ? http_status(payload) : 0, class = status / 100;

    if (socket->status && (class || socket->request_ns))
        count_status(socket, exchange->edge, class);
    if (class == 1 && status != SWITCHING_PROTOCOLS) {
        class = class_after_interim(payload);
        if (class == 1) {
            asked_for_rest(socket, exchange->now);
            return;
        }
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
        return may_be_no_request(socket, length);
    if (socket->protocol != PROTOCOL_HTTP1 || !socket->request_ns)
        return false;
    return socket->status || length <= SHORT_RESPONSE || !socket->heard;
}

/* True if nothing is to be done for these bytes of a client but to start a request. Every other case takes the long way
 * of handle_bytes. */
static __always_inline bool can_hold(const struct sock *sk, const struct socket_state *socket, __u32 length,
                                     __u64 now) {
    if (!can_hold_start(socket) || socket->protocol == PROTOCOL_UNSEEN || socket->older || socket->unseen)
        return false;
    if (socket->phase != PHASE_ESTABLISHED || sk->__sk_common.skc_state != TCP_ESTABLISHED)
        return false;
    if (now - socket->sampled_ns >= round_trip_interval_ns || socket->held_bytes + length > MAX_HELD_BYTES)
        return false;
    return !may_be_no_request(socket, length) && !is_farewell(socket, length);
}

/* How bytes move. */
enum how {
    SENT,     /* by a send call */
    RECEIVED, /* by a receive call */
    TAKEN,    /* without a call that shows them, see unseen.bpf.h */
};

static __always_inline void handle_bytes(struct sock *sk, struct exchange *exchange, int length, enum how how) {
    struct socket_state *socket = exchange->socket;
    /* The bytes go from client to server. */
    const bool of_client = (how == SENT) == (socket->service.role == ROLE_CLIENT);
    const struct payload *payload = NULL;
    struct payload found;

    if (how != TAKEN && needs_payload(socket, length, of_client) && find_payload(sk, length, how == SENT, &found))
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
    else if (is_no_request(socket, payload, length))
        end_answered(exchange);
    else
        requested(sk, exchange);
}

#endif
