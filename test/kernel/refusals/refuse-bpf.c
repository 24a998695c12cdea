// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <linux/bpf.h>

/* Preloaded into a process, makes bpf(2) fail as set by the current value of the variable LORIKEET_REFUSE:
 *
 *   bpf:ERRNO                    everything
 *   map:NAME:ERRNO               the creation of maps of this name
 *   load:NAME#N:ERRNO            the load of the Nth program of this name, from 1
 *   attach:NAME#N:ERRNO          its attachment, or its run by BPF_PROG_TEST_RUN
 *
 * Several rules are separated by commas. ERRNO is a number. Only the first 15 characters of a name are compared, as in
 * the kernel; N distinguishes programs that share them, in the order in which they are first loaded. */

#define NAME_BYTES 16
#define MAX_PROGRAMS 256

struct program {
    char name[NAME_BYTES];
    int nth;
};

static struct program by_fd[4096];
static struct program last;
static struct program seen[MAX_PROGRAMS];
static int seen_count;

/* 0 if no rule applies. */
static int refusal(const char *what, const char *name, int nth) {
    const char *rules = getenv("LORIKEET_REFUSE");
    char prefix[NAME_BYTES + 32];
    const char *rule;

    if (!rules)
        return 0;
    if (!name)
        snprintf(prefix, sizeof(prefix), "%s:", what);
    else if (nth)
        snprintf(prefix, sizeof(prefix), "%s:%s#%d:", what, name, nth);
    else
        snprintf(prefix, sizeof(prefix), "%s:%s:", what, name);
    for (rule = rules; rule; rule = strchr(rule, ',') ? strchr(rule, ',') + 1 : NULL) {
        if (!strncmp(rule, prefix, strlen(prefix)))
            return atoi(rule + strlen(prefix));
    }
    return 0;
}

/* A load with a log is a retry of the same program. */
static struct program identify(const union bpf_attr *attr) {
    struct program program = {};
    int i;

    memcpy(program.name, attr->prog_name, NAME_BYTES - 1);
    if (attr->log_level && !strcmp(last.name, program.name))
        return last;
    for (i = 0; i < seen_count && strcmp(seen[i].name, program.name); i++)
        ;
    if (i == seen_count && seen_count < MAX_PROGRAMS)
        seen[seen_count++] = program;
    if (i < MAX_PROGRAMS)
        program.nth = ++seen[i].nth;
    last = program;
    return program;
}

static const struct program *program_at(int fd) {
    static const struct program none;

    return fd >= 0 && fd < (int)(sizeof(by_fd) / sizeof(*by_fd)) ? &by_fd[fd] : &none;
}

static int refused(int command, const union bpf_attr *attr, struct program *program) {
    int error = refusal("bpf", NULL, 0);
    const struct program *used;

    if (error)
        return error;
    switch (command) {
    case BPF_MAP_CREATE:
        /* An object's maps are created before its programs: count from zero. libbpf also creates maps to detect
         * kernel features, at any time. */
        if (*attr->map_name && strncmp(attr->map_name, "libbpf", strlen("libbpf")))
            seen_count = 0;
        return refusal("map", attr->map_name, 0);
    case BPF_PROG_LOAD:
        *program = identify(attr);
        return refusal("load", program->name, program->nth);
    case BPF_RAW_TRACEPOINT_OPEN:
        used = program_at(attr->raw_tracepoint.prog_fd);
        return refusal("attach", used->name, used->nth);
    case BPF_LINK_CREATE:
        used = program_at(attr->link_create.prog_fd);
        return refusal("attach", used->name, used->nth);
    case BPF_PROG_TEST_RUN:
        used = program_at(attr->test.prog_fd);
        return refusal("attach", used->name, used->nth);
    default:
        return 0;
    }
}

long syscall(long number, ...) {
    static long (*next)(long, ...);
    struct program program = {};
    long a[6], result;
    va_list arguments;
    int i;

    if (!next)
        next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    va_start(arguments, number);
    for (i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    if (number == SYS_bpf) {
        const int error = refused(a[0], (const union bpf_attr *)a[1], &program);
        if (error) {
            errno = error;
            return -1;
        }
    }
    result = next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (number == SYS_bpf && a[0] == BPF_PROG_LOAD && result >= 0 &&
        result < (long)(sizeof(by_fd) / sizeof(*by_fd)))
        by_fd[result] = program;
    return result;
}
