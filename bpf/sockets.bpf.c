// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "adoption.bpf.h"
#include "maps.bpf.h"
#include "socket_counts.bpf.h"
#include "types.bpf.h"

/* What user space runs when it wants it: no event in the kernel leads here. */

/* One row of `accept_queues`. The row's key is where the socket was when it began to listen, and the memory is read as
 * memory: no lock, no reference, and never a fault. TCP's sockets stay sockets (SLAB_TYPESAFE_BY_RCU) until their slab
 * goes; the state tells whether this one still listens. */
static long read_accept_queue(void *map, const __u64 *address, struct accept_queue *row, void *context) {
    const struct sock *sk = (const struct sock *)*address;
    const struct inet_sock *inet = (const struct inet_sock *)*address;
    struct listener_key key = {.cgroup = row->key.cgroup};

    if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN)
        key.port = bpf_ntohs(BPF_CORE_READ(inet, inet_sport));
    row->key.port = key.port;
    if (!key.port)
        return 0;
    row->length = BPF_CORE_READ(sk, sk_ack_backlog);
    row->limit = BPF_CORE_READ(sk, sk_max_ack_backlog);
    count_drops(row, &key, BPF_CORE_READ(sk, sk_drops.counter));
    return 0;
}

/* At each scrape, over the listening sockets alone, whatever their network namespace. By BPF_PROG_TEST_RUN (of such a
 * program since kernel 5.10, bpf_for_each_map_elem since 5.13): an iterator over the sockets' storage would visit every
 * open connection as well, and there are kernels that refuse iterators over the elements of maps. */
SEC("raw_tp")
int read_accept_queues(void *context) {
    bpf_for_each_map_elem(&accept_queues, read_accept_queue, NULL, 0);
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
