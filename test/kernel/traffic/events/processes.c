/* Starts and ends processes and threads. A command returns after the end of all. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"

#define THREADS 8

static void end_of(pid_t child) {
    int status;

    if (child < 0 || waitpid(child, &status, 0) != child)
        fail("child");
}

void fork_children(long count, const char *path) {
    for (long i = 0; i < count; i++) {
        pid_t child = fork();

        if (child == 0)
            _exit(i % 3);
        end_of(child);
    }
}

void kill_children(long count, const char *path) {
    for (long i = 0; i < count; i++) {
        pid_t child = fork();

        if (child == 0)
            for (;;)
                pause();
        kill(child, i % 2 ? SIGKILL : SIGSEGV);
        end_of(child);
    }
}

void spawn_programs(long count, const char *path) {
    for (long i = 0; i < count; i++) {
        char *const arguments[] = {(char *)self, "nothing", NULL};
        pid_t child;

        if (posix_spawn(&child, self, NULL, NULL, arguments, NULL))
            fail("spawn");
        end_of(child);
    }
}

/* A missing program: the exec fails, and the child exits. */
void execute_in_vain(long count, const char *path) {
    for (long i = 0; i < count; i++) {
        pid_t child = fork();

        if (child == 0) {
            execl(MISSING, MISSING, NULL);
            _exit(0);
        }
        end_of(child);
    }
}

static void *return_at_once(void *unused) {
    return NULL;
}

void start_threads(long count, const char *path) {
    for (long i = 0; i < count; i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, return_at_once, NULL) || pthread_join(thread, NULL))
            fail("thread");
    }
}

static void *end_later(void *unused) {
    usleep(20000);
    return NULL;
}

/* The first thread ends before the last. */
void outlive_leaders(long count, const char *path) {
    for (long i = 0; i < count; i++) {
        pid_t child = fork();
        pthread_t thread;

        if (child == 0) {
            if (pthread_create(&thread, NULL, end_later, NULL))
                fail("thread");
            pthread_exit(NULL);
        }
        end_of(child);
    }
}

static void *execute(void *unused) {
    execl(self, self, "nothing", NULL);
    fail("exec");
    return NULL;
}

/* The executing thread replaces the first one, which ends; the process continues. */
void execute_by_threads(long count, const char *path) {
    for (long i = 0; i < count; i++) {
        pid_t child = fork();
        pthread_t thread;

        if (child == 0) {
            if (pthread_create(&thread, NULL, execute, NULL))
                fail("thread");
            for (;;)
                pause();
        }
        end_of(child);
    }
}

static pthread_barrier_t together;

static void *end_together(void *unused) {
    pthread_barrier_wait(&together);
    syscall(SYS_exit, 0);
    return NULL;
}

/* All threads end at the same time, in every other process by exit_group. */
void race_to_the_end(long count, const char *path) {
    for (long i = 0; i < count; i++) {
        pid_t child = fork();
        pthread_t thread;

        if (child == 0) {
            pthread_barrier_init(&together, NULL, THREADS);
            for (int n = 1; n < THREADS; n++)
                if (pthread_create(&thread, NULL, end_together, NULL))
                    fail("thread");
            pthread_barrier_wait(&together);
            syscall(i % 2 ? SYS_exit : SYS_exit_group, 0);
        }
        end_of(child);
    }
}

/* struct clone_args of linux/sched.h */
struct born {
    unsigned long long flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
        cgroup;
};

/* Children that start in another cgroup than their parent's. */
void fork_elsewhere(long count, const char *path) {
    struct born arguments = {.flags = 0x200000000ULL, .exit_signal = SIGCHLD};

    arguments.cgroup = open(path, O_RDONLY | O_DIRECTORY);
    for (long i = 0; i < count; i++) {
        pid_t child = syscall(SYS_clone3, &arguments, sizeof(arguments));

        if (child == 0)
            _exit(0);
        end_of(child);
    }
    close(arguments.cgroup);
}
