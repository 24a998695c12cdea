// SPDX-License-Identifier: MIT
#include "bpf_object.h"

#include <algorithm>
#include <cerrno>

#include <bpf/bpf.h>

#include "libbpf_log.h"

namespace lorikeet {
namespace {

constexpr char kNoHookSection[] = "raw_tp";

} // namespace

void BpfObject::CloseObject::operator()(bpf_object *object) const {
    bpf_object__close(object);
}

void BpfObject::DestroyLink::operator()(bpf_link *link) const {
    bpf_link__destroy(link);
}

Failure BpfObject::Fail(const char *code, int error, const std::string &what) const {
    return {path_ + ": " + what, code, error};
}

std::vector<std::string> BpfObject::Programs() const {
    std::vector<std::string> names;
    const bpf_program *program = nullptr;
    while ((program = bpf_object__next_program(object_.get(), const_cast<bpf_program *>(program))) != nullptr) {
        if (IsLoaded(program))
            names.emplace_back(bpf_program__name(program));
    }
    return names;
}

/// Before the object is loaded: true if the program will be loaded.
bool BpfObject::IsLoaded(const bpf_program *program) const {
    const std::string name = bpf_program__name(program);
    return bpf_program__autoload(program) &&
           std::none_of(refused_.begin(), refused_.end(),
                        [&name](const RefusedProgram &refused) { return refused.name == name; });
}

/// Returns nullptr and sets `missing` if there is no such program.
const bpf_program *BpfObject::FindLoaded(const std::string &name, const char *code, Status &missing) const {
    const bpf_program *program = bpf_object__find_program_by_name(object_.get(), name.c_str());
    if (program != nullptr && IsLoaded(program))
        return program;
    missing = Fail(code, ENOENT, "program " + name + (program == nullptr ? ": unknown" : ": not loaded"));
    return nullptr;
}

Status BpfObject::Attach(const std::string &name) {
    Status missing;
    const bpf_program *program = FindLoaded(name, "BPF_ATTACH", missing);
    if (program == nullptr)
        return missing;
    if (links_.count(name) != 0)
        return Fail("BPF_ATTACH", EALREADY, "program " + name + ": already attached");
    if (bpf_program__section_name(program) == std::string(kNoHookSection))
        return Run(name);
    LibbpfLog log;
    std::unique_ptr<bpf_link, DestroyLink> link(bpf_program__attach(program));
    if (!link) {
        const int error = errno;
        return Fail("BPF_ATTACH", error, "program " + name + ": " + ErrnoText(error));
    }
    links_.emplace(name, std::move(link));
    return {};
}

void BpfObject::Detach(const std::string &name) {
    links_.erase(name);
}

Status BpfObject::Run(const std::string &name) const {
    Status missing;
    const bpf_program *program = FindLoaded(name, "BPF_RUN", missing);
    if (program == nullptr)
        return missing;
    LIBBPF_OPTS(bpf_test_run_opts, options);
    if (const int error = -bpf_prog_test_run_opts(bpf_program__fd(program), &options))
        return Fail("BPF_RUN", error, "program " + name + ": " + ErrnoText(error));
    return {};
}

Status BpfObject::OpenIterator(const std::string &name, UniqueFd &fd) const {
    const auto link = links_.find(name);
    if (link == links_.end())
        return Fail("BPF_ITERATOR", ENOENT, "program " + name + ": not attached");
    const int opened = bpf_iter_create(bpf_link__fd(link->second.get()));
    if (opened < 0)
        return Fail("BPF_ITERATOR", -opened, "program " + name + ": " + ErrnoText(-opened));
    fd = UniqueFd(opened);
    return {};
}

std::vector<std::string> BpfObject::Maps() const {
    std::vector<std::string> names;
    for (const bpf_map *map : maps_) {
        const std::string name = bpf_map__name(map);
        if (refused_maps_.count(name) == 0)
            names.push_back(name);
    }
    return names;
}

Status BpfObject::FindMap(const std::string &name, size_t &index) const {
    for (index = 0; index < maps_.size(); index++) {
        if (name == bpf_map__name(maps_[index]))
            return {};
    }
    return Fail("BPF_MAP", ENOENT, "no map " + name);
}

bpf_map *BpfObject::MapAt(size_t index) const {
    return maps_.at(index);
}

Status BpfObject::Stats(std::vector<ProgramStats> &stats) const {
    for (const std::string &name : Programs()) {
        const int fd = bpf_program__fd(bpf_object__find_program_by_name(object_.get(), name.c_str()));
        bpf_prog_info info = {};
        uint32_t size = sizeof(info);
        if (const int error = -bpf_obj_get_info_by_fd(fd, &info, &size))
            return Fail("BPF_MAP", error, "program " + name + ": " + ErrnoText(error));
        stats.push_back({name, info.run_cnt, info.run_time_ns, info.verified_insns, info.recursion_misses});
    }
    return {};
}

} // namespace lorikeet
