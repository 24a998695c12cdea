/* Executes commands from standard input, lines "command count [path]", and answers each with a JSON line. Makes no
 * other system calls between two commands than one read and one write. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "commands.h"

const char *self;
char *low;
static char answer[256];

void fail(const char *what) {
    perror(what);
    exit(1);
}

void say(const char *format, ...) {
    va_list values;

    va_start(values, format);
    vsnprintf(answer, sizeof(answer), format, values);
    va_end(values);
}

static const struct {
    const char *name;
    command *run;
} commands[] = {
    {"get-parent", get_parent},
    {"unknown-calls", unknown_calls},
    {"refused-calls", refused_calls},
    {"map-memory", map_memory},
    {"open-files", open_files},
#ifdef __x86_64__
    {"call-32-bit", call_32_bit},
#endif
    {"touch-pages", touch_pages},
    {"read-into-pages", read_into_pages},
    {"fork", fork_children},
    {"kill", kill_children},
    {"spawn", spawn_programs},
    {"execute-in-vain", execute_in_vain},
    {"threads", start_threads},
    {"outlive-leaders", outlive_leaders},
    {"execute-by-threads", execute_by_threads},
    {"race-to-the-end", race_to_the_end},
    {"fork-elsewhere", fork_elsewhere},
    {"take-memory", take_memory},
    {"write-blocks", write_blocks},
    {"write-file", write_file},
};

static void obey(const char *line) {
    char name[32] = "", path[200] = "";
    long count = 0;

    say("{}");
    if (sscanf(line, "%31s %ld %199s", name, &count, path) < 2)
        fail(line);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name))
            continue;
        commands[i].run(count, path);
        strcat(answer, "\n");
        return;
    }
    errno = EINVAL;
    fail(name);
}

int main(int argc, char **argv) {
    static char line[300];
    ssize_t length;

    if (argc == 2 && strcmp(argv[1], "nothing") == 0)
        return 0;
    self = argv[0];
#ifdef __x86_64__
    low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
#endif
    say("{\"pid\": %d}\n", getpid());
    for (;;) {
        if (write(1, answer, strlen(answer)) < 0)
            fail("answer");
        length = read(0, line, sizeof(line) - 1);
        if (length <= 0)
            return 0;
        line[length] = '\0';
        obey(line);
    }
}
