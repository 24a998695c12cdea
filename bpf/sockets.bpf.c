// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "maps.bpf.h"
#include "socket_counts.bpf.h"
#include "types.bpf.h"

/* Passes over all sockets of the machine, whatever their network namespace: BPF iterators, that user space reads. */

/* At each scrape, over every socket that is followed. An established connection gives one sample of its round-trip
 * time, a listening socket gives a row. */
SEC("iter/bpf_sk_storage_map")
int walk_sockets(struct bpf_iter__bpf_sk_storage_map *ctx) {
    struct sock *sk = ctx->sk;
    struct listener_row row = {};
    struct socket_state *socket;

    if (!sk || !ctx->value)
        return 0;
    /* The same as ctx->value, which can't be a key or be changed by an exchange. */
    socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (!socket)
        return 0;
    if (socket->phase == PHASE_ESTABLISHED && sk->__sk_common.skc_state == TCP_ESTABLISHED) {
        sample_round_trip(sk, socket);
    } else if (socket->phase == PHASE_LISTENING && sk->__sk_common.skc_state == TCP_LISTEN) {
        count_drops(sk, socket);
        set_listener(&row.key, sk, socket);
        row.length = sk->sk_ack_backlog;
        row.limit = sk->sk_max_ack_backlog;
        bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
    }
    return 0;
}

/* Adoption of the sockets that are older than the programs, once after these have been attached: all that a process
 * holds, found through its files. Listening ones first, since what they accepted is told by their ports. */

static __always_inline struct sock *tcp_of(struct file *file) {
    struct socket *socket = file ? bpf_sock_from_file(file) : NULL;
    struct sock *sk = socket ? socket->sk : NULL;

    return sk && is_tcp(sk) ? sk : NULL;
}

static __always_inline struct local_port local_port_of(struct sock *sk) {
    struct local_port local = {};
    const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

    local.netns = sk->__sk_common.skc_net.net->ns.inum;
    local.port = tp ? bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport) : 0;
    return local;
}

SEC("iter/task_file")
int adopt_listeners(struct bpf_iter__task_file *ctx) {
    struct sock *sk = tcp_of(ctx->file);
    struct socket_state *socket;
    struct local_port local;
    __u8 listening = 1;

    if (!sk || sk->__sk_common.skc_state != TCP_LISTEN)
        return 0;
    local = local_port_of(sk);
    bpf_map_update_elem(&listening_ports, &local, &listening, BPF_ANY);
    socket = find_or_make_socket(sk);
    if (socket && socket->phase == PHASE_NONE)
        follow_listener(socket, sk);
    return 0;
}

/* A connection from a port that is listened on was accepted there. Otherwise connect() chose its port, which the port's
 * bucket remembers (fastreuse is -1), or the application did: that may be a client or what is left of a server that
 * has stopped listening, and nothing is guessed. */
static __always_inline enum role role_of(struct sock *sk) {
    struct local_port local = local_port_of(sk);
    const struct inet_bind_bucket *bucket;
    const struct tcp_sock *tp;

    if (bpf_map_lookup_elem(&listening_ports, &local))
        return ROLE_SERVER;
    tp = bpf_skc_to_tcp_sock(sk);
    bucket = tp ? tp->inet_conn.icsk_bind_hash : NULL;
    return bucket && bucket->fastreuse == -1 ? ROLE_CLIENT : ROLE_UNKNOWN;
}

static __always_inline bool is_connected(const struct sock *sk) {
    switch (sk->__sk_common.skc_state) {
    case TCP_ESTABLISHED:
    case TCP_FIN_WAIT1:
    case TCP_FIN_WAIT2:
    case TCP_CLOSE_WAIT:
    case TCP_LAST_ACK:
    case TCP_CLOSING:
        return true;
    default:
        return false;
    }
}

static __always_inline void adopt(struct sock *sk, struct socket_state *socket, enum role role) {
    struct tcp_stats *stats;

    follow(socket, sk, role);
    socket->retransmitted = total_retransmitted(sk);
    socket->phase_ns = 0;
    stats = find_tcp(&socket->service);
    if (!stats)
        return;
    socket->counted = true;
    atomic_add(&stats->adopted, 1);
    __sync_lock_test_and_set(&socket->phase, PHASE_ESTABLISHED);
    /* It may have been closed meanwhile, with nobody to see it. */
    if (!is_connected(sk) && __sync_lock_test_and_set(&socket->phase, PHASE_CLOSED) == PHASE_ESTABLISHED)
        atomic_add(&stats->closed, 1);
}

SEC("iter/task_file")
int adopt_connections(struct bpf_iter__task_file *ctx) {
    struct sock *sk = tcp_of(ctx->file);
    struct socket_state *socket;
    enum role role;

    if (!sk || !is_connected(sk))
        return 0;
    socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (socket && socket->phase != PHASE_NONE)
        return 0;
    role = role_of(sk);
    if (role == ROLE_UNKNOWN)
        return 0;
    socket = find_or_make_socket(sk);
    if (socket)
        adopt(sk, socket, role);
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
