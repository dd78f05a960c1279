/* serial.c: the host board's serial line. A thread reads it and plays the UART: it fills a receive buffer and signals. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "host.h"

#define NOBODY (-1)

/* Milliseconds between looks for somebody at the other end, and for a line that takes nothing before output is thrown away. */
#define LOOK_MS 50
#define PATIENCE_MS 1000

/* What the firmware may take to notice that nobody is at the other end of a pipe any more. A count of instructions holds
 * every interrupt off, for as long as the guest likes: nobody could end it, and the file of the store would stay taken. */
#define NOTICE_MS 2000

static pthread_t firmware_thread;
static int listener = NOBODY;
static atomic_int input = NOBODY, output = NOBODY;

/* Written by the reading thread at `in`, read by the ISR at `out`. */
static uint8_t buffer[4096];
static atomic_uint in, out;
static atomic_bool reader_waits, ended;
static sem_t room;

/* ---- the ISR ---- */

void serial_isr(void) {
    unsigned at = atomic_load(&out);
    while (at != atomic_load(&in)) {
        firmware_received(buffer[at % sizeof buffer]);
        atomic_store(&out, ++at);
    }
    if (atomic_exchange(&reader_waits, false))
        (void)sem_post(&room);
    if (atomic_load(&ended))
        firmware_stop();
}

bool serial_ended(void) {
    return atomic_load(&ended) && atomic_load(&in) == atomic_load(&out);
}

/* ---- the reading thread ---- */

static void pause_ms(long ms) {
    struct timespec time = {.tv_nsec = ms * 1000000};
    (void)nanosleep(&time, NULL);
}

static void wait_for_room(void) {
    while (atomic_load(&in) - atomic_load(&out) == sizeof buffer) {
        atomic_store(&reader_waits, true);
        if (atomic_load(&in) - atomic_load(&out) == sizeof buffer)
            (void)sem_wait(&room);
    }
}

/* The UART's interrupt. */
static void call_isr(void) {
    (void)pthread_kill(firmware_thread, SERIAL_SIGNAL);
}

/* Reads what fits. False when the other end has closed the line. */
static bool read_some(void) {
    wait_for_room();
    unsigned at = atomic_load(&in), begin = at % sizeof buffer;
    size_t free_bytes = sizeof buffer - (at - atomic_load(&out));
    size_t to_end = sizeof buffer - begin;
    ssize_t count = read(atomic_load(&input), buffer + begin, free_bytes < to_end ? free_bytes : to_end);
    if (count < 0 && errno == EAGAIN) {
        struct pollfd ready = {.fd = atomic_load(&input), .events = POLLIN};
        (void)poll(&ready, 1, -1);
        return true;
    }
    if (count < 0 && errno == EINTR)
        return true;
    if (count <= 0)
        return false;
    atomic_store(&in, at + (unsigned)count);
    call_isr();
    return true;
}

static void accept_somebody(void) {
    int client, one = 1;
    do
        client = accept(listener, NULL, NULL);
    while (client < 0);
    (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    atomic_store(&input, client);
    atomic_store(&output, client);
}

static void forget_client(void) {
    int client = atomic_exchange(&output, NOBODY);
    atomic_store(&input, NOBODY);
    (void)close(client);
}

static void *read_line(void *unused) {
    int waited_ms = 0;
    (void)unused;
    for (;;) {
        if (options.serial == SERIAL_TCP && atomic_load(&input) == NOBODY)
            accept_somebody();
        if (read_some())
            continue;
        if (options.serial == SERIAL_TCP) {
            forget_client();
        } else if (options.serial == SERIAL_PTY) {
            pause_ms(LOOK_MS); /* nobody has the other end open */
        } else {
            atomic_store(&ended, true); /* until the firmware has noticed, whatever it is doing */
            call_isr();
            if (waited_ms >= NOTICE_MS)
                _exit(1);
            pause_ms(LOOK_MS);
            waited_ms += LOOK_MS;
        }
    }
    return NULL;
}

/* ---- writing: the firmware's thread ---- */

void serial_write(const uint8_t *bytes, size_t length) {
    while (length > 0) {
        int to = atomic_load(&output);
        if (to == NOBODY)
            return;
        ssize_t count = write(to, bytes, length);
        if (count >= 0) {
            bytes += count;
            length -= (size_t)count;
        } else if (errno == EAGAIN) {
            struct pollfd ready = {.fd = to, .events = POLLOUT};
            if (poll(&ready, 1, PATIENCE_MS) == 0)
                return;
        } else if (errno != EINTR) {
            if (options.serial == SERIAL_PIPE)
                exit(0); /* whoever read the board's output has gone */
            return;
        }
    }
}

/* ---- opening ---- */

static void open_pty(void) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        host_fail("cannot open a pseudo terminal");
    struct termios raw;
    if (tcgetattr(master, &raw) == 0) {
        raw.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
        raw.c_oflag &= ~(tcflag_t)OPOST;
        raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG | IEXTEN);
        (void)tcsetattr(master, TCSANOW, &raw);
    }
    fprintf(stderr, "%s\n", ptsname(master));
    int writer = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC); /* keeps the line alive while nobody is there */
    if (writer < 0)
        host_fail("cannot open the pseudo terminal's other end");
    (void)fcntl(master, F_SETFL, O_NONBLOCK); /* so that a line that nobody reads does not stop the board */
    atomic_store(&input, master);
    atomic_store(&output, master);
}

static void open_tcp(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options.port)};
    socklen_t length = sizeof address;
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0)
        host_fail("socket");
    (void)fcntl(listener, F_SETFD, FD_CLOEXEC);
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        host_fail("cannot listen on that port");
    fprintf(stderr, "127.0.0.1:%u\n", ntohs(address.sin_port));
}

void serial_open(void) {
    pthread_t reader;
    firmware_thread = pthread_self();
    (void)sem_init(&room, 0, 0);
    if (options.serial == SERIAL_PTY) {
        open_pty();
    } else if (options.serial == SERIAL_TCP) {
        open_tcp();
    } else {
        atomic_store(&input, STDIN_FILENO);
        atomic_store(&output, STDOUT_FILENO);
    }
    errno = pthread_create(&reader, NULL, read_line, NULL);
    if (errno != 0)
        host_fail("pthread_create");
}
