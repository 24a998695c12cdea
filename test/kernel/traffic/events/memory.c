/* Page faults, and more memory than there is. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"

/* The faults as the kernel accounts them to the process, between two looks at them. */
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

/* The kernel takes these faults itself, while it writes what is read to memory that isn't there yet. */
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

/* A child takes memory until it gets no more or has so many megabytes; answers by what signal it ended, 0 for none. */
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
