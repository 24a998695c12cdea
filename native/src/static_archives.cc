// SPDX-License-Identifier: MIT

// What it takes to make Debian's libbpf.a and libelf.a part of a shared object. They are compiled for programs
// (-fPIE), which is nearly the same: two references are left that the linker must refuse. Archives that are compiled
// with -fPIC link just as well.

#include <cstdio>

namespace {

thread_local int last_error = 0;

} // namespace

extern "C" {

// libbpf's default print function addresses the C library's `stderr` directly. binding.gyp has the linker turn that
// (--wrap=stderr) into this variable, which is within reach.
extern FILE *__real_stderr;
__attribute__((visibility("hidden"))) FILE *__wrap_stderr = __real_stderr;

// libelf's elf_error.c addresses its thread-local error number by an offset that only a program knows. These are all
// the functions that it defines, so that the linker has no reason to take it from the archive.
void __libelf_seterrno(int error);
int elf_errno();
const char *elf_errmsg(int error);

void __libelf_seterrno(int error) {
    last_error = error;
}

int elf_errno() {
    const int error = last_error;
    last_error = 0;
    return error;
}

const char *elf_errmsg(int error) {
    // 0 asks for the last error, or nothing if there was none; -1 for the last error in any case.
    if (error == 0 && last_error == 0)
        return nullptr;
    return "malformed ELF file";
}
}
