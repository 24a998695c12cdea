/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_ATTRIBUTION_H
#define LORIKEET_ATTRIBUTION_H

#include <linux/types.h>

/* A socket belongs to the cgroup of the process that created it, an accepted one to that of the process that uses it
 * first (ownership.bpf.h), usually a leaf. Ids are cgroup v2 ids: the inode number of the cgroup's directory. */

enum role {
    /* Older than the programs, and its role cannot be derived: not counted. */
    ROLE_UNKNOWN = 0,
    ROLE_CLIENT = 1,
    ROLE_SERVER = 2,
};

struct service_key {
    __u64 cgroup;
    __u32 role; /* enum role */
    __u32 reserved;
};

/* From a client's cgroup to a server's address and port. */
struct edge_key {
    __u64 cgroup;
    __u8 address[16]; /* the server's, network order; IPv4 as ::ffff:a.b.c.d */
    __u16 port;       /* the server's, host order */
    __u16 protocol;   /* in `edge_protocols` only: enum protocol */
    __u32 netns;      /* inode of the client's network namespace if the address is a loopback address, otherwise 0 */
};

#define CGROUP_ANCESTORS 12

/* Maps whose rows are shared among the cgroups, see shares.bpf.h. */
enum shared_map {
    SHARED_EDGES,
    SHARED_ACCEPT_QUEUES,
    SHARED_UDP_EDGES,
    SHARED_PORT_PROTOCOLS,
    SHARED_MAPS,
};

/* Does anybody see the series of a cgroup? */
enum cgroup_state {
    CGROUP_UNCLASSIFIED, /* user space has not decided yet */
    CGROUP_MONITORED,
    CGROUP_UNMONITORED,
};

struct cgroup_info {
    /* Parent, grandparent, ... up to the root, then 0. Deeper paths lack the ancestors nearest to the root. */
    __u64 ancestors[CGROUP_ANCESTORS];
    __u32 state;                /* enum cgroup_state */
    __s32 rows[SHARED_MAPS];    /* rows that the cgroup has in each shared map; user space subtracts those it deletes */
    __u32 refused[SHARED_MAPS]; /* rows refused while it was unclassified */
    __u32 reserved;
};

#define CGROUP_NAMES_LIMIT 512
#define CGROUP_NAME_SIZE 256

/* Names of a cgroup, of its parent, ... up to the root, which has none: each ends with a NUL. */
struct cgroup_path {
    __u32 length; /* of all names, in bytes; 0: not written yet, or too long */
    char names[CGROUP_NAMES_LIMIT + CGROUP_NAME_SIZE];
};

/* Rows in use of a shared map. The programs add and subtract theirs; user space corrects both at each refresh. */
struct row_use {
    __s64 all;
    __s64 unmonitored; /* part of `all`: of all cgroups that are not monitored, or not yet */
};

#endif
