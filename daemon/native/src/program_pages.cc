// SPDX-License-Identifier: MIT
#include "program_pages.h"

#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <vector>

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace lorikeet {
namespace {

struct Range {
    uintptr_t start;
    uintptr_t end;
};

/// True if the loader has relocated the code of a file: such pages differ from the file.
bool IsRelocatedInPlace(const dl_phdr_info &info) {
    for (int i = 0; i < info.dlpi_phnum; i++) {
        if (info.dlpi_phdr[i].p_type != PT_DYNAMIC)
            continue;
        const auto *entry = reinterpret_cast<const ElfW(Dyn) *>(info.dlpi_addr + info.dlpi_phdr[i].p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0))
                return true;
        }
    }
    return false;
}

/// Collects the segments of a file that are never written, neither by the loader (relocations are in writable segments,
/// although these may be protected afterwards) nor by the file's own code. Returns 0 to continue with the next file.
int CollectSegments(dl_phdr_info *info, size_t, void *ranges) {
    if (IsRelocatedInPlace(*info))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) &segment = info->dlpi_phdr[i];
        const uintptr_t start = info->dlpi_addr + segment.p_vaddr;
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) == 0)
            static_cast<std::vector<Range> *>(ranges)->push_back({start, start + segment.p_memsz});
    }
    return 0;
}

bool Contains(const std::vector<Range> &segments, const Range &mapping, uintptr_t page) {
    for (const Range &segment : segments) {
        if (mapping.start >= segment.start / page * page && mapping.end <= (segment.end + page - 1) / page * page)
            return true;
    }
    return false;
}

} // namespace

int ReleaseProgramPages() {
    std::vector<Range> segments;
    dl_iterate_phdr(CollectSegments, &segments);
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    FILE *maps = fopen("/proc/self/maps", "re");
    if (maps == nullptr)
        return errno;
    char line[512];
    int error = 0;
    while (error == 0 && fgets(line, sizeof(line), maps) != nullptr) {
        Range mapping = {};
        char write = 0;
        uint64_t inode = 0;
        // The rest of a path longer than the buffer is read as a line of its own, which does not match.
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*c%c%*s %*s %*s %" SCNu64, &mapping.start, &mapping.end, &write,
                   &inode) != 4)
            continue;
        // Anonymous memory would be lost: node's --use-largepages moves the code into it.
        if (write == 'w' || inode == 0 || !Contains(segments, mapping, page))
            continue;
        if (madvise(reinterpret_cast<void *>(mapping.start), mapping.end - mapping.start, MADV_DONTNEED) != 0)
            error = errno;
    }
    fclose(maps);
    return error;
}

} // namespace lorikeet
