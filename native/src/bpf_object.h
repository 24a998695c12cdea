// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <bpf/libbpf.h>

#include "failure.h"
#include "unique_fd.h"

namespace lorikeet {

struct Constant {
    std::string name;
    /// Two's complement.
    uint64_t bits;
    bool negative;
};

struct OpenOptions {
    std::vector<std::pair<std::string, uint32_t>> max_entries;
    std::vector<Constant> constants;
    std::vector<std::string> disabled;
    std::vector<std::string> enabled;
};

struct ProgramStats {
    std::string name;
    uint64_t run_count;
    uint64_t run_time_ns;
    uint64_t verified_instructions;
    uint64_t recursion_misses;
};

/// Owns a loaded object, its maps, programs and links; all of them go when it goes.
class BpfObject {
  public:
    /// Opens and loads into `object`.
    static Status Open(const std::string &path, const OpenOptions &options, std::unique_ptr<BpfObject> &object);

    /// Names of the loaded programs.
    std::vector<std::string> Programs() const;
    /// A program of cgroups to the one whose folder is `cgroup`; others take none.
    Status Attach(const std::string &program, const std::string &cgroup = "");
    /// A descriptor to read a pass of an attached iterator from; it stays good without the object.
    Status OpenIterator(const std::string &program, UniqueFd &fd) const;
    /// Index of a map for `MapAt`.
    Status FindMap(const std::string &name, size_t &index) const;
    /// The index is one of `FindMap`'s.
    bpf_map *MapAt(size_t index) const;
    Status Stats(std::vector<ProgramStats> &stats) const;

  private:
    struct CloseObject {
        void operator()(bpf_object *object) const;
    };
    struct DestroyLink {
        void operator()(bpf_link *link) const;
    };

    Status Configure(const OpenOptions &options);
    Status SetConstant(const Constant &constant);
    void LeaveOutMissingHooks();
    Status Load();
    Status SetAutoload(const char *option, const std::vector<std::string> &programs, bool load);
    bpf_link *CreateLink(const bpf_program *program, const std::string &cgroup) const;
    Failure Fail(const char *code, int error, const std::string &what) const;

    std::string path_;
    std::unique_ptr<bpf_object, CloseObject> object_;
    std::vector<bpf_map *> maps_;
    /// By program. Declared after object_, so that links go first.
    std::map<std::string, std::unique_ptr<bpf_link, DestroyLink>> links_;
};

} // namespace lorikeet
