// SPDX-License-Identifier: Apache-2.0
// The first process of every pod: it holds the pod's namespaces, reaps what others leave, and ends
// when told to.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void
end(int signal)
{
    (void)signal;
    _exit(0);
}

static void
reap(int signal)
{
    (void)signal;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

int
main(void)
{
    // As process 1 of its namespace it gets only those signals that it handles.
    struct sigaction on_end = {.sa_handler = end};
    struct sigaction on_child = {.sa_handler = reap, .sa_flags = SA_NOCLDSTOP | SA_RESTART};
    if (sigaction(SIGTERM, &on_end, NULL) || sigaction(SIGINT, &on_end, NULL) ||
        sigaction(SIGCHLD, &on_child, NULL)) {
        return 1;
    }
    for (;;) {
        pause();
    }
}
