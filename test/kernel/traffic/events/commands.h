/* Commands of the program in main.c. */
#ifndef COMMANDS_H
#define COMMANDS_H

#define MISSING "/lorikeet/is/not/there"
#define PAGE 4096L

/* Performs an operation `count` times. The answer is {} unless it is set. */
typedef void command(long count, const char *path);

/* calls.c */
command get_parent, unknown_calls, refused_calls, map_memory, open_files, call_32_bit;
/* memory.c */
command touch_pages, read_into_pages, take_memory;
/* processes.c */
command fork_children, kill_children, spawn_programs, execute_in_vain, start_threads, outlive_leaders,
    execute_by_threads, race_to_the_end, fork_elsewhere;
/* disk.c */
command write_blocks, write_file;

/* Exits with the error's text. */
void fail(const char *what);

/* Sets the answer, a JSON value. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The program's path. */
extern const char *self;

/* A page below 4 GB, which 32-bit calls can point to; on x86_64 only. */
extern char *low;

#endif
