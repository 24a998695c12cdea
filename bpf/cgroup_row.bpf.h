/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_CGROUP_ROW_BPF_H
#define LORIKEET_CGROUP_ROW_BPF_H

#include "attribution.bpf.h"
#include "maps.bpf.h"
#include "types.bpf.h"

/* The row of the task's cgroup, NULL and counted as lost if there can't be one. A task is in one cgroup v2 at a time,
 * and what it did before a move stays where it was counted. The ancestors are written down with the row: to look for
 * them each time would cost as much as the count. */
static __always_inline void *task_row(void *map, const struct task_struct *task, const void *zero, __u32 lost_map) {
    const struct cgroup *cgroup = task->cgroups->dfl_cgrp;
    __u64 id = cgroup->kn->id;
    void *row = bpf_map_lookup_elem(map, &id);

    if (row)
        return row;
    record_cgroup(&cgroups, cgroup, id, LOST_CGROUPS);
    return find_or_make(map, &id, zero, lost_map);
}

#endif
