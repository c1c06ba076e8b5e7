/* Runs a command and says its peak memory: peak COMMAND [ARGUMENT]...
 *
 * In C, since a child starts with the peak of the process that it was forked from: an interpreter's would hide what is
 * measured here. */
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
    printf("%.1f\n", usage.ru_maxrss / 1024.0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
