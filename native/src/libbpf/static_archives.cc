// SPDX-License-Identifier: MIT

// Makes Debian's libbpf.a and libelf.a linkable into a shared object. They are compiled with -fPIE, which leaves two
// references that the linker refuses. Archives compiled with -fPIC link as well.

#include <cstdio>

namespace {

thread_local int last_error = 0;

} // namespace

extern "C" {

// libbpf's default print function addresses the C library's `stderr` directly. binding.gyp has the linker turn that
// (--wrap=stderr) into this variable, which is in the same object.
extern FILE *__real_stderr;
__attribute__((visibility("hidden"))) FILE *__wrap_stderr = __real_stderr;

// libelf's elf_error.c addresses its thread-local error number by an offset that exists only in programs. These are all
// the functions that it defines, so the linker does not take it from the archive.
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
    // 0: the message of the last error, or nullptr if there was none. -1: always a message.
    if (error == 0 && last_error == 0)
        return nullptr;
    return "malformed ELF file";
}
}
