/* Page faults, and out-of-memory kills. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"

/* The process' page faults in the kernel's accounting, since the last call. */
void touch_pages(long count, const char *path) {
    struct rusage before, after;
    volatile char *area = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED || madvise((void *)area, count * PAGE, MADV_NOHUGEPAGE))
        fail("memory");
    getrusage(RUSAGE_SELF, &before);
    for (long i = 0; i < count; i++)
        area[i * PAGE] = 1;
    getrusage(RUSAGE_SELF, &after);
    munmap((void *)area, count * PAGE);
    say("{\"faults\": %ld}", after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt);
}

/* Faults in the kernel, while it copies data to memory that is not mapped yet. */
void read_into_pages(long count, const char *path) {
    struct rusage before, after;
    int zeros = open("/dev/zero", O_RDONLY);
    char *area = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (zeros < 0 || area == MAP_FAILED || madvise(area, count * PAGE, MADV_NOHUGEPAGE))
        fail("memory");
    getrusage(RUSAGE_SELF, &before);
    for (long i = 0; i < count; i++)
        if (read(zeros, area + i * PAGE, 1) != 1)
            fail("read");
    getrusage(RUSAGE_SELF, &after);
    munmap(area, count * PAGE);
    close(zeros);
    say("{\"faults\": %ld}", after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt);
}

/* A child allocates memory up to a number of megabytes; the answer is the signal that ended it, or 0. */
void take_memory(long megabytes, const char *path) {
    pid_t child = fork();
    int status;

    if (child == 0) {
        for (long i = 0; i < megabytes; i++) {
            char *area = malloc(1 << 20);

            if (area)
                memset(area, 1, 1 << 20);
        }
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        fail("child");
    say("{\"signal\": %ld}", WIFSIGNALED(status) ? WTERMSIG(status) : 0L);
}
