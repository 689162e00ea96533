/*
 * The C side of the bench: what a C program gets from glibc's process-shared pthread primitives and
 * from raw futexes.
 *
 *   peers uncontended N        ns for one lock + unlock of a robust process-shared mutex that
 *                              nobody else wants
 *   peers contended P N        millions of lock, add one, unlock a second, by P processes of N
 *                              each; total verified
 *   peers ping-pong N          us for one round trip of two processes over two raw futex words
 *   peers barrier N            us for one round of two processes at a process-shared
 *                              pthread_barrier
 *   peers size                 bytes of one pthread_mutex_t
 *
 * Prints one number. Pin it from outside (taskset) to measure one CPU.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE _Alignas(64)

struct shared {
  LINE pthread_mutex_t mutex;
  volatile int counter; /* beside its mutex, as a C program would lay it out */
  LINE sem_t start;
  LINE sem_t done;
  LINE pthread_barrier_t barrier;
  LINE atomic_int ping;
  LINE atomic_int pong;
};

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static struct shared *share(void) {
  struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (s == MAP_FAILED) die("mmap");
  pthread_mutexattr_t m;
  pthread_mutexattr_init(&m);
  pthread_mutexattr_setpshared(&m, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&m, PTHREAD_MUTEX_ROBUST);
  if (pthread_mutex_init(&s->mutex, &m)) die("pthread_mutex_init");
  pthread_barrierattr_t b;
  pthread_barrierattr_init(&b);
  pthread_barrierattr_setpshared(&b, PTHREAD_PROCESS_SHARED);
  if (pthread_barrier_init(&s->barrier, &b, 2)) die("pthread_barrier_init");
  if (sem_init(&s->start, 1, 0) || sem_init(&s->done, 1, 0)) die("sem_init");
  return s;
}

/**
 * What a user of a robust mutex has to write: the death of the last owner is reported, and has to
 * be acknowledged.
 */
static inline void lock(pthread_mutex_t *mutex) {
  int error = pthread_mutex_lock(mutex);
  if (error == EOWNERDEAD) pthread_mutex_consistent(mutex);
  else if (error) die("pthread_mutex_lock");
}

static void wait_semaphore(sem_t *sem) {
  while (sem_wait(sem))
    if (errno != EINTR) die("sem_wait");
}

static double uncontended(long n) {
  struct shared *s = share();
  double from = seconds();
  for (long i = 0; i < n; i++) {
    lock(&s->mutex);
    pthread_mutex_unlock(&s->mutex);
  }
  return (seconds() - from) / n * 1e9;
}

static double contended(int processes, long n) {
  struct shared *s = share();
  for (int p = 0; p < processes; p++) {
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
      sem_post(&s->done);
      wait_semaphore(&s->start);
      for (long i = 0; i < n; i++) {
        lock(&s->mutex);
        s->counter++;
        pthread_mutex_unlock(&s->mutex);
      }
      sem_post(&s->done);
      _exit(0);
    }
  }
  for (int p = 0; p < processes; p++) wait_semaphore(&s->done); /* all are there */
  double from = seconds();
  for (int p = 0; p < processes; p++) sem_post(&s->start);
  for (int p = 0; p < processes; p++) wait_semaphore(&s->done);
  double took = seconds() - from;
  while (wait(NULL) > 0) {
  }
  if (s->counter != processes * n) {
    fprintf(stderr, "total is %d instead of %ld\n", s->counter, processes * n);
    exit(1);
  }
  return processes * n / took / 1e6;
}

static void hand_over(atomic_int *word) {
  atomic_store(word, 1);
  syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void take_over(atomic_int *word) {
  while (atomic_exchange(word, 0) == 0)
    syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static double ping_pong(long n) {
  struct shared *s = share();
  long warm = n / 10 + 1;
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    for (long i = 0; i < warm + n; i++) {
      take_over(&s->ping);
      hand_over(&s->pong);
    }
    _exit(0);
  }
  double from = 0;
  for (long i = 0; i < warm + n; i++) {
    if (i == warm) from = seconds();
    hand_over(&s->ping);
    take_over(&s->pong);
  }
  double took = seconds() - from;
  waitpid(pid, NULL, 0);
  return took / n * 1e6;
}

static double barrier(long n) {
  struct shared *s = share();
  long warm = n / 10 + 1;
  pid_t pid = fork();
  if (pid < 0) die("fork");
  double from = 0;
  for (long i = 0; i < warm + n; i++) {
    if (i == warm) from = seconds();
    pthread_barrier_wait(&s->barrier);
  }
  double took = seconds() - from;
  if (pid == 0) _exit(0);
  waitpid(pid, NULL, 0);
  return took / n * 1e6;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  long a = argc > 2 ? atol(argv[2]) : 0;
  long b = argc > 3 ? atol(argv[3]) : 0;
  if (!strcmp(what, "uncontended") && a > 0) printf("%.3f\n", uncontended(a));
  else if (!strcmp(what, "contended") && a > 0 && b > 0) printf("%.4f\n", contended((int)a, b));
  else if (!strcmp(what, "ping-pong") && a > 0) printf("%.3f\n", ping_pong(a));
  else if (!strcmp(what, "barrier") && a > 0) printf("%.3f\n", barrier(a));
  else if (!strcmp(what, "size")) printf("%zu\n", sizeof(pthread_mutex_t));
  else {
    fprintf(stderr, "usage: peers uncontended N | contended P N | ping-pong N | barrier N | size\n");
    return 2;
  }
  return 0;
}
