/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_TYPES_BPF_H
#define LORIKEET_TYPES_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/time.h> /* for errqueue.h */
#include <linux/errqueue.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "constants.h"

/* Kernel types, reduced to the fields that the programs read. Only names and types matter: libbpf takes the offsets
 * from the running kernel's BTF (CO-RE), so order and gaps are irrelevant. Differences between kernels:
 * core_fixes.bpf.h. */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
    int counter;
} atomic_t;

struct kernfs_node {
    __u64 id;
    const char *name;
};

struct cgroup;

struct cgroup_subsys_state {
    struct cgroup *cgroup;
    struct cgroup_subsys_state *parent;
};

struct cgroup_root {
    int hierarchy_id; /* of cgroup v2: 0 */
};

struct cgroup {
    struct cgroup_subsys_state self;
    struct kernfs_node *kn;
    struct cgroup_root *root;
};

struct css_set {
    struct cgroup *dfl_cgrp; /* of cgroup v2 */
};

struct sock_cgroup_data {
    struct cgroup *cgroup;
};

struct msghdr;
struct in6_addr {
    union {
        __u8 u6_addr8[16];
        __be32 u6_addr32[4];
    } in6_u;
};

struct ns_common {
    unsigned int inum;
};

struct net {
    struct ns_common ns;
};

typedef struct {
    struct net *net;
} possible_net_t;

struct sock_common {
    unsigned short skc_family;
    volatile unsigned char skc_state;
    __be16 skc_dport;
    unsigned long skc_flags;
    __be32 skc_daddr;
    __be32 skc_rcv_saddr;
    possible_net_t skc_net;
    struct in6_addr skc_v6_daddr;
    struct in6_addr skc_v6_rcv_saddr;
};

struct sk_buff {
    char cb[48];
};

struct sk_buff_head {
    struct sk_buff *prev; /* the last one, or the head itself if empty */
    __u32 qlen;
};

/* Content of cb in a socket's error queue. */
struct sock_exterr_skb {
    struct sock_extended_err ee;
};

struct file;

struct socket {
    struct file *file;
    struct sock *sk;
};

struct sock {
    struct sock_common __sk_common;
    struct socket *sk_socket;
    struct sk_buff_head sk_error_queue;
    __u16 sk_protocol;
    __u8 sk_shutdown;
    int sk_err;
    int sk_err_soft;
    __u8 sk_userlocks : 4; /* no bit field on newer kernels: read it with BPF_CORE_READ_BITFIELD */
    __u32 sk_ack_backlog;
    __u32 sk_max_ack_backlog;
    int sk_wmem_queued; /* bytes to send, with what the kernel adds */
    int sk_sndbuf;      /* at most so many */
    atomic_t sk_drops;
    struct sock_cgroup_data sk_cgrp_data;
    void *sk_user_data;
};

struct inet_sock {
    __be16 inet_sport;
};

struct inet_bind_bucket {
    signed char fastreuse;
};

struct tcp_ulp_ops;

struct inet_connection_sock {
    struct inet_sock icsk_inet;
    struct inet_bind_bucket *icsk_bind_hash;
    __u8 icsk_retransmits;
    const struct tcp_ulp_ops *icsk_ulp_ops;
    void *icsk_ulp_data;
    struct {
        __u32 lrcvtime; /* when the last bytes arrived, in ticks (jiffies) */
    } icsk_ack;
};

struct tcp_sock {
    struct inet_connection_sock inet_conn;
    __u32 srtt_us; /* 1/8 microseconds */
    __u32 total_retrans;
    __u32 write_seq;  /* end of the bytes that the process has sent */
    __u32 copied_seq; /* end of the bytes that the process has taken */
    __u32 rcv_nxt;
    __u64 bytes_received;
    bool is_mptcp; /* a subflow */
};

/* The socket that a process holds. Its connection is made of TCP sockets, the subflows. */
struct mptcp_sock {
    __u64 write_seq;
    struct sock *first; /* the subflow that opened the connection, or listens */
};

/* In icsk_ulp_data of a subflow. */
struct mptcp_subflow_context {
    struct sock *conn; /* the struct mptcp_sock */
};

struct thread_info {
    unsigned long flags;
    __u32 status; /* x86 only */
};

struct mm_struct;

struct signal_struct {
    atomic_t live; /* threads that are not exiting */
    struct mm_struct *oom_mm;
};

struct task_struct {
    struct thread_info thread_info;
    unsigned int flags;
    int pid;
    int tgid;
    struct task_struct *group_leader;
    struct css_set *cgroups;
    struct signal_struct *signal;
};

struct blkcg {
    struct cgroup_subsys_state css;
};

struct blkcg_gq {
    struct blkcg *blkcg;
};

struct bio {
    struct blkcg_gq *bi_blkg;
};

struct request {
    struct bio *bio;
};

/* Contexts of iterators; in the last call of a pass the fields are NULL. */
struct seq_file;

struct bpf_iter_meta {
    struct seq_file *seq;
};

struct bpf_iter__task_file {
    struct bpf_iter_meta *meta;
    struct file *file;
};

#pragma clang attribute pop

#endif
