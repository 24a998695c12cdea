// SPDX-License-Identifier: MIT
/* Loads an object of syscall programs and runs them: reads lines "program context", the context in hexadecimal, and
 * writes "result context" for each. The arguments after the object are map=entries. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define MAX_CONTEXT 4096

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

/* Pins the process to one CPU: programs only see the rows of their CPU. */
static int stay(void) {
    int cpu = sched_getcpu();
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    return cpu < 0 ? -1 : sched_setaffinity(0, sizeof(cpus), &cpus);
}

static int resize(struct bpf_object *object, char *argument) {
    char *entries = strchr(argument, '=');
    struct bpf_map *map;

    if (!entries)
        return EINVAL;
    *entries++ = '\0';
    map = bpf_object__find_map_by_name(object, argument);
    return map ? bpf_map__set_max_entries(map, strtoul(entries, NULL, 10)) : ENOENT;
}

static int run(struct bpf_object *object, const char *name, const char *hex) {
    static unsigned char context[MAX_CONTEXT];
    size_t size = strlen(hex) / 2;
    struct bpf_program *program = bpf_object__find_program_by_name(object, name);
    LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = context, .ctx_size_in = size);

    if (!program || size > sizeof(context))
        return ENOENT;
    for (size_t i = 0; i < size; i++)
        if (sscanf(hex + 2 * i, "%2hhx", &context[i]) != 1)
            return EINVAL;
    /* The kernel writes the context back to where it was read. */
    if (bpf_prog_test_run_opts(bpf_program__fd(program), &options))
        return errno;
    printf("%u ", options.retval);
    for (size_t i = 0; i < size; i++)
        printf("%02x", context[i]);
    printf("\n");
    return 0;
}

int main(int argc, char **argv) {
    char name[64], hex[2 * MAX_CONTEXT + 1];
    struct bpf_object *object = argc > 1 ? bpf_object__open_file(argv[1], NULL) : NULL;

    if (!object)
        return fail("open");
    for (int i = 2; i < argc; i++)
        if ((errno = resize(object, argv[i])))
            return fail(argv[i]);
    if (stay())
        return fail("sched_setaffinity");
    if (bpf_object__load(object))
        return fail("load");
    while (scanf("%63s %8192s", name, hex) == 2)
        if ((errno = run(object, name, hex)))
            return fail(name);
    bpf_object__close(object);
    return 0;
}
