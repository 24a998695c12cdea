// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "maps.bpf.h"

struct requests_map requests SEC(".maps");
struct edges_map edges SEC(".maps");
struct tcp_map tcp SEC(".maps");
struct cgroups_map cgroups SEC(".maps");
struct listeners_map listeners SEC(".maps");
struct accept_queues_map accept_queues SEC(".maps");
struct http_responses_map http_responses SEC(".maps");
struct syscalls_map syscalls SEC(".maps");
struct page_faults_map page_faults SEC(".maps");
struct block_requests_map block_requests SEC(".maps");
struct cgroups_map block_cgroups SEC(".maps");
struct process_events_map process_events SEC(".maps");
struct lost_counters_map lost SEC(".maps");
struct sockets_map sockets SEC(".maps");
struct processes_map processes SEC(".maps");

/* Initial values of new rows: most are too large for the stack of 512 bytes. */
const struct histogram zero_histogram = {};
const struct edge_stats zero_edge = {};
const struct tcp_stats zero_tcp = {};
const struct listener_stats zero_listener = {};
const struct syscall_stats zero_syscalls = {};
const struct page_fault_stats zero_page_faults = {};
const struct block_request_stats zero_block_requests = {};
const struct process_stats zero_process = {};
const struct http_stats zero_http = {};

const volatile bool track_edges = true;
const volatile int io_hierarchy = 0;
const volatile __u64 round_trip_interval_ns = 1000000000;

char LICENSE[] SEC("license") = "Dual MIT/GPL";
