// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "adoption.bpf.h"
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
 * holds, found through its files. It sees the processes of the PID namespace that it is read from. */
SEC("iter/task_file")
int adopt_sockets(struct bpf_iter__task_file *ctx) {
    struct file *file = ctx->file;
    struct socket *of_file = file ? bpf_sock_from_file(file) : NULL;
    struct sock *sk = of_file ? of_file->sk : NULL;
    struct socket_state *socket;

    if (!sk || !is_tcp(sk))
        return 0;
    socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (socket && socket->phase != PHASE_NONE)
        return 0;
    if (is_connected(sk)) {
        adopt(sk);
    } else if (sk->__sk_common.skc_state == TCP_LISTEN) {
        socket = find_or_make_socket(sk);
        if (socket)
            follow_listener(socket, sk);
    }
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
