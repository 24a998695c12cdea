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
#include "kernel_refusals.h"
#include "libbpf_log.h"
#include "open_options.h"
#include "unique_fd.h"

namespace lorikeet {

/// A program that the kernel refused, although it was requested and the kernel has its hook.
struct RefusedProgram {
    std::string name;
    Failure failure;
};

struct ProgramStats {
    std::string name;
    uint64_t run_count;
    uint64_t run_time_ns;
    uint64_t verified_instructions;
    uint64_t recursion_misses;
};

/// Owns a loaded object with its maps, programs and links, and frees all of them in its destructor.
class BpfObject {
  public:
    /// Opens the file and loads it into `object`. Skips what the kernel refuses, see `Refused`. Fails if the file
    /// cannot be read, an option is invalid, or bpf(2) is refused as a whole.
    static Status Open(const std::string &path, const OpenOptions &options, std::unique_ptr<BpfObject> &object);

    /// Names of the loaded programs.
    std::vector<std::string> Programs() const;
    const std::vector<RefusedProgram> &Refused() const {
        return refused_;
    }
    /// A program without a hook is run once instead.
    Status Attach(const std::string &program);
    /// Does nothing if the program is not attached.
    void Detach(const std::string &program);
    /// Runs a loaded program without a hook once, without a context (BPF_PROG_TEST_RUN).
    Status Run(const std::string &program) const;
    /// A descriptor that reads one pass of an attached iterator; it stays valid after the object is closed.
    Status OpenIterator(const std::string &program, UniqueFd &fd) const;
    /// Names of the maps, without those that the kernel refused.
    std::vector<std::string> Maps() const;
    /// Index of a map for `MapAt`.
    Status FindMap(const std::string &name, size_t &index) const;
    /// `index` comes from `FindMap`.
    bpf_map *MapAt(size_t index) const;
    Status Stats(std::vector<ProgramStats> &stats) const;

  private:
    struct CloseObject {
        void operator()(bpf_object *object) const;
    };
    struct DestroyLink {
        void operator()(bpf_link *link) const;
    };

    Status OpenFile();
    void LeaveOutMissingHooks();
    Status Load();
    Failure LoadFailure(int error, const LibbpfLog &log, const KernelRefusals &refusals);
    Failure RefusalOf(const std::string &program, const Refusal &refusal) const;
    bool IsLoaded(const bpf_program *program) const;
    const bpf_program *FindLoaded(const std::string &name, const char *code, Status &missing) const;
    Failure Fail(const char *code, int error, const std::string &what) const;

    std::string path_;
    std::unique_ptr<bpf_object, CloseObject> object_;
    std::vector<bpf_map *> maps_;
    std::vector<RefusedProgram> refused_;
    /// Maps that the kernel refused; programs that use them are refused as well.
    std::map<std::string, int> refused_maps_;
    /// By program. Declared after object_, so links are destroyed first.
    std::map<std::string, std::unique_ptr<bpf_link, DestroyLink>> links_;
};

} // namespace lorikeet
