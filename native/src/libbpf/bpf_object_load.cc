// SPDX-License-Identifier: MIT

// Opening and loading an object, without what the kernel refuses.

#include "bpf_object.h"

#include <cerrno>
#include <set>

#include "hold_signals.h"
#include "kernel_hooks.h"
#include "libbpf_log.h"

namespace lorikeet {
namespace {

/// libbpf replaces the use of a map that was not created by a call to this function.
constexpr char kMissingMap[] = "invalid func unknown#2001";

bool UsesMissingMap(const std::string &verifier_log) {
    return verifier_log.find(kMissingMap) != std::string::npos;
}

} // namespace

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

} // namespace lorikeet
