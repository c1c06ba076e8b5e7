/* Runs a command and says its peak memory in MB and its processor time in seconds: peak COMMAND [ARGUMENT]...
 *
 * In C, since a child starts with the peak of the process that it was forked from, and forking an interpreter takes longer
 * than what is measured here. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct rusage usage;
    int status;
    if (argc < 2) return 2;
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout)) return 126;
        execvp(argv[1], argv + 1);
        perror(argv[1]);
        return 127;
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0) return 2;
    double seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("%.1f %.3f\n", usage.ru_maxrss / 1024.0, seconds);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
