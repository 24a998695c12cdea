// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "shared/maps.bpf.h"
#include "streams.bpf.h"

struct requests_map requests SEC(".maps");
struct edges_map edges SEC(".maps");
struct tcp_map tcp SEC(".maps");
struct port_protocols_map port_protocols SEC(".maps");
struct edge_protocols_map edge_protocols SEC(".maps");
struct cgroups_map cgroups SEC(".maps");
struct listeners_map listeners SEC(".maps");
struct accept_queues_map accept_queues SEC(".maps");
struct sockets_map sockets SEC(".maps");
struct http2_connections_map http2_connections SEC(".maps");

struct event_count lost_requests SEC(".maps");
struct event_count lost_edges SEC(".maps");
struct event_count lost_tcp SEC(".maps");
struct event_count lost_port_protocols SEC(".maps");
struct event_count lost_edge_protocols SEC(".maps");
struct event_count lost_cgroups SEC(".maps");
struct event_count lost_sockets SEC(".maps");
struct event_count lost_streams SEC(".maps");
struct event_count lost_listeners SEC(".maps");

/* Initial values of new rows: most are too large for the stack of 512 bytes. */
const struct request_stats zero_requests = {};
const struct edge_stats zero_edges = {};
const struct tcp_stats zero_tcp = {};
const __u64 zero_port_protocols = 0;
const __u64 zero_edge_protocols = 0;
const struct listener_stats zero_listeners = {};

const volatile bool track_edges = true;
const volatile __u64 round_trip_interval_ns = 1000000000;

char LICENSE[] SEC("license") = "Dual MIT/GPL";
