// SPDX-License-Identifier: MIT

// Lets the addon run with older C and C++ libraries than those that it was compiled with: with whatever Node.js' own
// binaries run with, glibc 2.28 and libstdc++ 8. These definitions take the place of newer symbols that headers and
// static archives refer to. scripts/package/floor.test.ts finds further ones.

#include <cstdlib>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HIDDEN __attribute__((visibility("hidden")))

extern "C" {

// glibc 2.32. std::shared_ptr reads it; false is always right.
extern HIDDEN const char lorikeet_single_threaded __asm__("__libc_single_threaded");
const char lorikeet_single_threaded = 0;

// glibc 2.33; a part of programs before. libelf calls it. The kernel's struct is the C library's on 64-bit machines.
HIDDEN int lorikeet_fstat(int file, struct stat *status) __asm__("fstat");
int lorikeet_fstat(int file, struct stat *status) {
    return static_cast<int>(syscall(SYS_fstat, file, status));
}

// libstdc++ 11. Without exceptions, as Node.js compiles addons, a failure of the library ends the process anyway.
[[noreturn]] HIDDEN void lorikeet_bad_length() __asm__("_ZSt28__throw_bad_array_new_lengthv");
void lorikeet_bad_length() {
    std::abort();
}
}
