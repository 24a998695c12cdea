// SPDX-License-Identifier: MIT
// Uses libbpf like the addon, but without Node.js, whose memory at exit LeakSanitizer would report.
// Arguments: a valid object, one with a program that the verifier refuses, and the number of repetitions.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "../../native/src/libbpf/bpf_object.h"
#include "../../native/src/libbpf/map_rows.h"

namespace {

[[noreturn]] void Fail(const std::string &what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(2);
}

void Expect(const lorikeet::Status &status) {
    if (status)
        Fail(status->message);
}

void ExpectFailure(const lorikeet::Status &status, const std::string &code) {
    if (!status || code != status->code)
        Fail("expected " + code);
}

void UseEverything(const std::string &path) {
    lorikeet::OpenOptions options;
    options.max_entries.emplace_back("services", 64);
    options.constants.push_back({"track_edges", 0, false});
    std::unique_ptr<lorikeet::BpfObject> object;
    Expect(lorikeet::BpfObject::Open(path, options, object));
    for (const std::string &program : object->Programs())
        Expect(object->Attach(program));
    std::vector<lorikeet::ProgramStats> stats;
    Expect(object->Stats(stats));
    size_t index = 0;
    Expect(object->FindMap("lost_services", index));
    lorikeet::Rows<double> sums;
    if (lorikeet::ReadSums(object->MapAt(index), sums) != 0 || sums.count == 0)
        Fail("no sums");
    Expect(object->FindMap("cgroups", index));
    lorikeet::Rows<uint8_t> rows;
    if (lorikeet::ReadPlain(object->MapAt(index), rows) != 0)
        Fail("no rows");
    ExpectFailure(object->Attach("none"), "BPF_ATTACH");
    ExpectFailure(object->FindMap("none", index), "BPF_MAP");
}

/// One of two programs is refused, the other is loaded.
void ExpectRefusal(const std::string &path, const lorikeet::OpenOptions &options) {
    std::unique_ptr<lorikeet::BpfObject> object;
    Expect(lorikeet::BpfObject::Open(path, options, object));
    if (object->Refused().size() != 1 || object->Programs().size() != 1)
        Fail("expected one program, and one refused");
    Expect(object->Attach(object->Programs()[0]));
    object->Detach(object->Programs()[0]);
    ExpectFailure(object->Attach(object->Refused()[0].name), "BPF_ATTACH");
    ExpectFailure(object->Run(object->Refused()[0].name), "BPF_RUN");
}

void FailToOpen(const std::string &path, const std::string &refused) {
    std::unique_ptr<lorikeet::BpfObject> object;
    ExpectFailure(lorikeet::BpfObject::Open("/nowhere.o", {}, object), "BPF_OPEN");
    ExpectFailure(lorikeet::BpfObject::Open("/etc/passwd", {}, object), "BPF_OPEN");
    lorikeet::OpenOptions unknown;
    unknown.constants.push_back({"none", 1, false});
    ExpectFailure(lorikeet::BpfObject::Open(path, unknown, object), "BPF_OPEN");
    if (object)
        Fail("an object after a failure");
    ExpectRefusal(refused, {});
    lorikeet::OpenOptions too_large;
    too_large.max_entries.emplace_back("values", 0xffffffff);
    ExpectRefusal(refused, too_large);
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 4)
        Fail("usage: leaks OBJECT REFUSED TIMES");
    for (int i = 0; i < std::atoi(argv[3]); i++) {
        UseEverything(argv[1]);
        FailToOpen(argv[1], argv[2]);
    }
    // The test checks with this that leaks are detected.
    if (std::getenv("LEAK") != nullptr)
        std::fprintf(stderr, "%p\n", static_cast<void *>(new char[12345]));
    return 0;
}
