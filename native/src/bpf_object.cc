// SPDX-License-Identifier: MIT
#include "bpf_object.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "hold_signals.h"
#include "kernel_hooks.h"
#include "libbpf_log.h"

namespace lorikeet {
namespace {

constexpr char kNoHookSection[] = "raw_tp";
/// libbpf replaces the use of a map that was not created by a call to this function.
constexpr char kMissingMap[] = "invalid func unknown#2001";

bool UsesMissingMap(const std::string &verifier_log) {
    return verifier_log.find(kMissingMap) != std::string::npos;
}

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

Status BpfObject::Open(const std::string &path, const OpenOptions &options, std::unique_ptr<BpfObject> &object) {
    std::vector<RefusedProgram> programs;
    std::map<std::string, int> maps;
    // libbpf loads an object only once. If the kernel refuses a map, or libbpf cannot prepare a program, start again
    // without it; this is rare.
    for (;;) {
        auto opened = std::make_unique<BpfObject>();
        opened->path_ = path;
        opened->refused_ = programs;
        opened->refused_maps_ = maps;
        if (Status failed = opened->OpenFile())
            return failed;
        if (const Status failed = Configure(opened->object_.get(), options))
            return opened->Fail(failed->code, failed->error, failed->message);
        opened->LeaveOutMissingHooks();
        const Status failed = opened->Load();
        if (!failed) {
            object = std::move(opened);
            return {};
        }
        if (programs.size() == opened->refused_.size() && maps.size() == opened->refused_maps_.size())
            return failed;
        programs = opened->refused_;
        maps = opened->refused_maps_;
    }
}

Status BpfObject::OpenFile() {
    LibbpfLog log;
    object_.reset(bpf_object__open_file(path_.c_str(), nullptr));
    const int error = errno;
    return object_ ? Status() : Fail("BPF_OPEN", error, ErrnoText(error));
}

/// Skips programs whose hook this kernel does not have: one of them would make the whole object fail to load.
void BpfObject::LeaveOutMissingHooks() {
    const KernelHooks hooks;
    bpf_program *program;
    bpf_object__for_each_program(program, object_.get()) {
        if (!hooks.Suit(program, bpf_object__btf(object_.get())))
            bpf_program__set_autoload(program, false);
    }
}

/// On failure, adds the cause to the refused maps and programs if the object can be loaded without it.
Status BpfObject::Load() {
    for (const RefusedProgram &program : refused_)
        bpf_program__set_autoload(bpf_object__find_program_by_name(object_.get(), program.name.c_str()), false);
    for (const auto &[name, error] : refused_maps_)
        bpf_map__set_autocreate(bpf_object__find_map_by_name(object_.get(), name.c_str()), false);
    const std::vector<std::string> wanted = Programs();
    // libbpf 1 raises RLIMIT_MEMLOCK itself, only on kernels that charge maps to it (before 5.11).
    LibbpfLog log;
    KernelRefusals refusals(std::set<std::string>(wanted.begin(), wanted.end()));
    const HoldSignals hold;
    const int error = -bpf_object__load(object_.get());
    if (error != 0)
        return LoadFailure(error, log, refusals);
    for (const std::string &name : wanted) {
        const auto refused = refusals.Programs().find(name);
        if (refused != refusals.Programs().end())
            refused_.push_back({name, RefusalOf(name, refused->second)});
    }
    bpf_map *map;
    bpf_object__for_each_map(map, object_.get()) {
        maps_.push_back(map);
    }
    return {};
}

Failure BpfObject::LoadFailure(int error, const LibbpfLog &log, const KernelRefusals &refusals) {
    if (const int refused = ProbeBpf())
        return Fail("BPF_REFUSED", refused, "bpf(2) is refused as a whole: " + ErrnoText(refused));
    const std::string warning = log.FirstWarning();
    Failure failure = Fail("BPF_LOAD", error, warning.empty() ? ErrnoText(error) : warning);
    for (const auto &[name, map_error] : refusals.Maps()) {
        if (bpf_object__find_map_by_name(object_.get(), name.c_str()) != nullptr) {
            refused_maps_[name] = map_error;
            return failure;
        }
    }
    const std::string program = log.LastProgram();
    if (bpf_object__find_program_by_name(object_.get(), program.c_str()) != nullptr)
        refused_.push_back({program, failure});
    return failure;
}

Failure BpfObject::RefusalOf(const std::string &program, const Refusal &refusal) const {
    // A program with a missing map has an instruction in its place that no kernel accepts.
    if (!refused_maps_.empty() && UsesMissingMap(refusal.verifier_log)) {
        std::string maps;
        for (const auto &[map, error] : refused_maps_)
            maps += ": map " + map + ": " + ErrnoText(error);
        return Fail("BPF_LOAD", refused_maps_.begin()->second, "program " + program + maps);
    }
    Failure failure = Fail("BPF_LOAD", refusal.error, "program " + program + ": " + ErrnoText(refusal.error));
    failure.verifier_log = refusal.verifier_log;
    return failure;
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

Status BpfObject::Attach(const std::string &name, const std::string &cgroup) {
    Status missing;
    const bpf_program *program = FindLoaded(name, "BPF_ATTACH", missing);
    if (program == nullptr)
        return missing;
    if (links_.count(name) != 0)
        return Fail("BPF_ATTACH", EALREADY, "program " + name + ": already attached");
    if (bpf_program__section_name(program) == std::string(kNoHookSection))
        return Run(name);
    LibbpfLog log;
    std::unique_ptr<bpf_link, DestroyLink> link(CreateLink(program, cgroup));
    if (!link) {
        const int error = errno;
        return Fail("BPF_ATTACH", error, "program " + name + ": " + ErrnoText(error));
    }
    links_.emplace(name, std::move(link));
    return {};
}

/// Returns nullptr and sets errno on failure, like libbpf.
bpf_link *BpfObject::CreateLink(const bpf_program *program, const std::string &cgroup) {
    if (cgroup.empty())
        return bpf_program__attach(program);
    const UniqueFd fd(open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fd.get() < 0 ? nullptr : bpf_program__attach_cgroup(program, fd.get());
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
