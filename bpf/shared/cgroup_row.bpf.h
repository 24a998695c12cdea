/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_CGROUP_ROW_BPF_H
#define LORIKEET_CGROUP_ROW_BPF_H

#include "attribution.bpf.h"
#include "maps.bpf.h"
#include "types.bpf.h"

/* Returns the row of the task's cgroup, or NULL and counts a loss if the row cannot be made. After a task moves, its
 * earlier counts stay with the old cgroup. The ancestors are recorded only when the row is made: a lookup for each
 * event would double its cost. */
static __always_inline void *find_or_make_task_row(void *map, const struct task_struct *task, const void *zero,
                                                   void *lost) {
    const struct cgroup *cgroup = task->cgroups->dfl_cgrp;
    __u64 id = cgroup->kn->id;
    void *row = bpf_map_lookup_elem(map, &id);

    if (row)
        return row;
    record_cgroup(cgroup, cgroup, id);
    return find_or_make_row(map, &id, zero, lost);
}

/* For a map of OWN_COUNTERS keyed by cgroup id. */
#define task_row(name, task) find_or_make_task_row(&name, task, &zero_##name, &lost_##name)

#endif
