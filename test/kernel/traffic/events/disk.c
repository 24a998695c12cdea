/* Direct and buffered writes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"

/* Direct writes, one request each. */
void write_blocks(long count, const char *path) {
    int device = open(path, O_WRONLY | O_DIRECT);
    void *block = aligned_alloc(PAGE, PAGE);

    if (device < 0 || !block)
        fail(path);
    memset(block, 1, PAGE);
    for (long i = 0; i < count; i++)
        if (pwrite(device, block, PAGE, i * PAGE) != PAGE)
            fail("write");
    close(device);
    free(block);
}

/* Buffered writes, to be written back by another process. The file stays open, because the last close of a block device
 * would write them back. */
void write_file(long bytes, const char *path) {
    static char buffer[1 << 16];
    int file = open(path, O_WRONLY | O_CREAT, 0600);

    if (file < 0)
        fail(path);
    for (long written = 0; written < bytes; written += sizeof(buffer))
        if (write(file, buffer, sizeof(buffer)) != sizeof(buffer))
            fail("write");
}
