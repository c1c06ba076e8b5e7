/* Times short commands in turns: turns ROUNDS COMMAND..., each command one argument that is split at blanks. Prints the
 * microseconds of each run, a line per command.
 *
 * In turns, so that what else the machine does meets all of them alike; and from a small process, since the pages of a
 * large one would be part of every time. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { MOST_COMMANDS = 16, MOST_WORDS = 64 };
extern char **environ;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
    char *words[MOST_COMMANDS][MOST_WORDS];
    int commands = argc - 2, rounds = argc > 2 ? atoi(argv[1]) : 0;
    if (rounds < 1 || commands > MOST_COMMANDS) return 2;
    double *times = malloc(sizeof(double) * (size_t)rounds * (size_t)commands);
    if (!times) return 2;
    for (int at = 0; at < commands; at++) {
        int count = 0;
        for (char *word = strtok(argv[at + 2], " "); word && count < MOST_WORDS - 1; word = strtok(NULL, " "))
            words[at][count++] = word;
        words[at][count] = NULL;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    /* The first rounds fill caches and do not count. */
    for (int round = -(1 + rounds / 20); round < rounds; round++)
        for (int at = 0; at < commands; at++) {
            pid_t child;
            int status;
            double start = now();
            if (posix_spawnp(&child, words[at][0], &actions, NULL, words[at], environ) != 0
                || waitpid(child, &status, 0) < 0 || status != 0) {
                fprintf(stderr, "bench: error: %s failed\n", words[at][0]);
                return 1;
            }
            if (round >= 0) times[at * rounds + round] = now() - start;
        }
    for (int at = 0; at < commands; at++)
        for (int round = 0; round < rounds; round++)
            printf("%.1f%c", times[at * rounds + round], round + 1 < rounds ? ' ' : '\n');
    return 0;
}
