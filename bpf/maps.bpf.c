// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "shared/maps.bpf.h"

struct requests_map requests SEC(".maps");
struct edges_map edges SEC(".maps");
struct tcp_map tcp SEC(".maps");
struct cgroups_map cgroups SEC(".maps");
struct cgroup_paths_map cgroup_paths SEC(".maps");
struct targets_map targets SEC(".maps");
struct row_use_map row_use SEC(".maps");
struct listeners_map listeners SEC(".maps");
struct accept_queues_map accept_queues SEC(".maps");
struct sockets_map sockets SEC(".maps");

struct event_count lost_requests SEC(".maps");
struct event_count lost_edges SEC(".maps");
struct event_count lost_tcp SEC(".maps");
struct event_count lost_cgroups SEC(".maps");
struct event_count lost_cgroup_paths SEC(".maps");
struct event_count lost_sockets SEC(".maps");
struct event_count lost_listeners SEC(".maps");
struct event_count unmonitored_edges SEC(".maps");
struct event_count unmonitored_listeners SEC(".maps");

/* Initial values of new rows: most are too large for the stack of 512 bytes. */
const struct histogram zero_requests = {};
const struct edge_stats zero_edges = {};
const struct tcp_stats zero_tcp = {};
const struct listener_stats zero_listeners = {};
const struct cgroup_path zero_cgroup_path = {};

const volatile bool track_edges = true;
const volatile __u32 edge_rows = 0;
const volatile __u32 accept_queue_rows = 0;
const volatile __u64 round_trip_interval_ns = 1000000000;

char LICENSE[] SEC("license") = "Dual MIT/GPL";
