/* Many system calls; the answers have their numbers. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "commands.h"

void get_parent(long count, const char *path) {
    for (long i = 0; i < count; i++)
        syscall(SYS_getppid);
    say("{\"syscalls\": %ld}", count);
}

/* Unknown numbers are calls as well. */
void unknown_calls(long count, const char *path) {
    for (long i = 0; i < count; i++)
        syscall(i % 2 ? -1L : 100000L);
    say("{\"syscalls\": %ld}", count);
}

/* Makes seccomp refuse one call, which is then not counted; the set-up takes two calls. */
void refused_calls(long count, const char *path) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        fail("seccomp");
    for (long i = 0; i < count; i++)
        if (syscall(SYS_getppid) != -1)
            fail("call");
    say("{\"syscalls\": 2}");
}

void map_memory(long count, const char *path) {
    for (long i = 0; i < count; i++) {
        void *area = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (area == MAP_FAILED || munmap(area, PAGE))
            fail("mmap");
    }
    if (mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        fail("mmap of nothing");
    say("{\"syscalls\": %ld}", 2 * count + 1);
}

/* By every call that opens files, each also for a missing file. */
void open_files(long count, const char *path) {
    static struct open_how how = {.flags = O_RDONLY};
    long opened = 0, calls = 0;

    for (long i = 0; i < count; i++) {
        int files[] = {
            openat(AT_FDCWD, "/dev/null", O_RDONLY),
            openat(AT_FDCWD, MISSING, O_RDONLY),
            syscall(SYS_openat2, AT_FDCWD, "/dev/null", &how, sizeof(how)),
#ifdef SYS_open
            syscall(SYS_open, "/dev/null", O_RDONLY),
            syscall(SYS_creat, "/dev/null", 0644),
            syscall(SYS_creat, MISSING, 0644),
#endif
        };

        for (size_t n = 0; n < sizeof(files) / sizeof(files[0]); n++) {
            opened++;
            calls += files[n] < 0 ? 1 : 2;
            if (files[n] >= 0)
                close(files[n]);
        }
    }
    say("{\"syscalls\": %ld, \"opens\": %ld}", calls, opened);
}

#ifdef __x86_64__
static long call32(long number, long a, long b, long c, long d, long e) {
    long result;

    asm volatile("push %%rbp\n mov $0, %%ebp\n int $0x80\n pop %%rbp"
                 : "=a"(result)
                 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                 : "memory", "r8", "r9", "r10", "r11");
    return (int)result;
}

static void no_32_bit(int signal) {
    static const char text[] = "\"none\"\n";

    _exit(write(1, text, sizeof(text) - 1) < 0);
}

/* By numbers with another meaning for 64-bit programs: 5 is open (there fstat), 8 creat (lseek), 295 openat
 * (preadv), 9 link (mmap), 192 mmap2 (lgetxattr). */
void call_32_bit(long count, const char *path) {
    signal(SIGSEGV, no_32_bit);
    strcpy(low, MISSING);
    for (long i = 0; i < count; i++) {
        if (call32(5, (long)low, O_RDONLY, 0, 0, 0) != -ENOENT || call32(8, (long)low, 0644, 0, 0, 0) != -ENOENT ||
            call32(295, AT_FDCWD, (long)low, O_RDONLY, 0, 0) != -ENOENT ||
            call32(9, (long)low, (long)low, 0, 0, 0) != -ENOENT || call32(192, 0, 0, 0, 0, 0) != -EINVAL)
            fail("32-bit call");
    }
    say("{\"syscalls\": %ld}", 1 + 5 * count);
}
#endif
