// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "shared/maps.bpf.h"
#include "protocols/streams.bpf.h"
#include "udp/udp_maps.bpf.h"
#include "shared/unseen.bpf.h"

struct services_map services SEC(".maps");
struct edges_map edges SEC(".maps");
struct port_protocols_map port_protocols SEC(".maps");
struct edge_protocols_map edge_protocols SEC(".maps");
struct cgroups_map cgroups SEC(".maps");
struct cgroup_paths_map cgroup_paths SEC(".maps");
struct targets_map targets SEC(".maps");
struct row_use_map row_use SEC(".maps");
struct listeners_map listeners SEC(".maps");
struct accept_queues_map accept_queues SEC(".maps");
struct declared_protocols_map declared_protocols SEC(".maps");
struct sockets_map sockets SEC(".maps");
struct http2_connections_map http2_connections SEC(".maps");
struct udp_map udp SEC(".maps");
struct udp_edges_map udp_edges SEC(".maps");
struct udp_sockets_map udp_sockets SEC(".maps");
struct dns_queries_map dns_queries SEC(".maps");

struct event_count lost_services SEC(".maps");
struct event_count lost_edges SEC(".maps");
struct event_count lost_port_protocols SEC(".maps");
struct event_count lost_edge_protocols SEC(".maps");
struct event_count lost_cgroups SEC(".maps");
struct event_count lost_cgroup_paths SEC(".maps");
struct event_count lost_sockets SEC(".maps");
struct event_count lost_streams SEC(".maps");
struct event_count lost_listeners SEC(".maps");
struct event_count lost_udp SEC(".maps");
struct event_count lost_udp_edges SEC(".maps");
struct event_count lost_udp_sockets SEC(".maps");
struct event_count lost_dns_queries SEC(".maps");
struct event_count unattributed_datagram SEC(".maps");
struct event_count unattributed_dns_message SEC(".maps");
struct event_count unseen_requests SEC(".maps");
struct splicers_map splicers SEC(".maps");
struct event_count unmonitored_edges SEC(".maps");
struct event_count unmonitored_listeners SEC(".maps");
struct event_count unmonitored_udp_edges SEC(".maps");
struct event_count unmonitored_port_protocols SEC(".maps");

/* Initial values of new rows: most are too large for the stack of 512 bytes. */
const struct service_stats zero_services = {};
const struct edge_stats zero_edges = {};
const __u64 zero_port_protocols = 0;
const __u64 zero_edge_protocols = 0;
const struct listener_stats zero_listeners = {};
const struct udp_stats zero_udp = {};
const struct udp_edge_stats zero_udp_edges = {};
const struct cgroup_path zero_cgroup_path = {};

const volatile bool track_edges = true;
const volatile bool track_udp = true;
const volatile __u32 edge_rows = 0;
const volatile __u32 accept_queue_rows = 0;
const volatile __u32 udp_edge_rows = 0;
const volatile __u32 port_protocol_rows = 0;
const volatile __u64 round_trip_interval_ns = 1000000000;

char LICENSE[] SEC("license") = "Dual MIT/GPL";
