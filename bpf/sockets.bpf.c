// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "shared/adoption.bpf.h"
#include "shared/maps.bpf.h"
#include "shared/mptcp.bpf.h"
#include "shared/socket_counts.bpf.h"
#include "shared/types.bpf.h"
#include "shared/unseen.bpf.h"

/* Programs that user space runs; they are attached to no event. */

/* Updates one row of `accept_queues`. The key is the address of the socket when it started to listen. The memory is
 * read without a lock or a reference, by reads that cannot fault. It still holds a TCP socket (SLAB_TYPESAFE_BY_RCU)
 * until its slab is freed; the state shows whether that socket listens. */
static long read_accept_queue(void *map, const __u64 *address, struct accept_queue *row, void *context) {
    const struct sock *sk = (const struct sock *)*address;
    struct listener_key key = {.cgroup = row->key.cgroup};

    if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN)
        key.port = local_port(sk);
    row->key.port = key.port;
    if (!key.port)
        return 0;
    row->length = BPF_CORE_READ(sk, sk_ack_backlog);
    row->limit = BPF_CORE_READ(sk, sk_max_ack_backlog);
    count_drops(row, &key, BPF_CORE_READ(sk, sk_drops.counter));
    return 0;
}

/* Runs at each scrape over the listening sockets of all network namespaces, by BPF_PROG_TEST_RUN (for raw_tp since
 * kernel 5.10; bpf_for_each_map_elem since 5.13). An iterator over socket storage would also visit every open
 * connection, and some kernels refuse iterators over map elements. */
SEC("raw_tp")
int read_accept_queues(void *context) {
    bpf_for_each_map_elem(&accept_queues, read_accept_queue, NULL, 0);
    return 0;
}

/* Adopts sockets older than the programs after they are attached, and adds rows of listening sockets that were refused
 * one when their cgroup was not monitored. It finds sockets through the files of all processes in the PID namespace of
 * the reader. */
SEC("iter/task_file")
int adopt_sockets(struct bpf_iter__task_file *ctx) {
    struct file *file = ctx->file;
    struct socket *of_file = file ? bpf_sock_from_file(file) : NULL;
    struct sock *sk = of_file ? of_file->sk : NULL;
    struct socket_state *socket;
    __u64 address;

    if (!sk || !is_stream(sk))
        return 0;
    socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (socket && socket->phase == PHASE_LISTENING) {
        address = (__u64)queue_of(sk);
        if (!bpf_map_lookup_elem(&accept_queues, &address))
            follow_queue(socket, sk);
        return 0;
    }
    if (socket && socket->phase != PHASE_NONE)
        return 0;
    if (is_connected(sk)) {
        socket = adopt(sk);
        if (socket)
            follow_reads(sk, socket);
    } else if (sk->__sk_common.skc_state == TCP_LISTEN) {
        socket = find_or_make_socket(sk);
        if (socket)
            follow_listener(socket, sk);
    }
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
