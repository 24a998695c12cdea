/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_DECLARED_BPF_H
#define LORIKEET_DECLARED_BPF_H

#include "../shared/attribution.bpf.h"
#include "../shared/maps.bpf.h"
#include "../shared/types.bpf.h"

/* The protocol that the user has declared for the server's address and port, or PROTOCOL_UNSEEN. */
static __always_inline enum protocol declared_protocol(const struct sock *sk, const struct socket_state *socket) {
    struct declared_port key = {};
    __be32 address;
    __u32 *protocol;

    if (socket->service.role == ROLE_CLIENT) {
        __builtin_memcpy(key.address, socket->edge.address, sizeof(key.address));
        key.port = socket->edge.port;
    } else {
        key.port = local_port(sk);
        if (sk->__sk_common.skc_family == AF_INET) {
            address = sk->__sk_common.skc_rcv_saddr;
            key.address[10] = key.address[11] = 0xff;
            __builtin_memcpy(key.address + 12, &address, sizeof(address));
        } else {
            bpf_core_read(key.address, sizeof(key.address), &sk->__sk_common.skc_v6_rcv_saddr);
        }
    }
    protocol = bpf_map_lookup_elem(&declared_protocols, &key);
    return protocol && *protocol < PROTOCOLS ? *protocol : PROTOCOL_UNSEEN;
}

#endif
