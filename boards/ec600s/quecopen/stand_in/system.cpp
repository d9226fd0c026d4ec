// Tasks, files, network and clock of the stand-in.
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <mutex>
#include <string>

#include "boards/ec600s/quecopen/sdk.h"
#include "boards/ec600s/quecopen/stand_in/stand_in.h"

namespace meterlens::boards::quecopen {
namespace {

std::string folder = ".";

struct Start {
  void (*run)(void*);
  void* argument;
};

void* run_task(void* start) {
  const Start copy = *static_cast<Start*>(start);
  delete static_cast<Start*>(start);
  copy.run(copy.argument);
  return nullptr;
}

int give_text(const char* text, char* out, std::size_t chars) {
  if (std::strlen(text) >= chars) return -1;
  std::strcpy(out, text);
  return 0;
}

}  // namespace

void use_folder(const std::string& path) { folder = path; }

std::string file_path(const char* path) {
  return folder + "/" + (path + std::strlen(METERLENS_FOLDER));
}

}  // namespace meterlens::boards::quecopen

using namespace meterlens::boards::quecopen;

// The file of the SDK is one of the C library, and its own name for it.
struct QFILE {
  std::FILE* file;
};

extern "C" {

void meterlens_log(const char* text) {
  std::fprintf(stderr, "%s\n", text);
  std::fflush(stderr);
}

int ql_rtos_task_create(ql_task_t* task, uint32_t, uint8_t, const char*, void (*run)(void*),
                        void* argument) {
  pthread_t thread;
  const int result = pthread_create(&thread, nullptr, run_task, new Start{run, argument});
  if (result == 0) pthread_detach(thread);
  *task = nullptr;
  return result;
}

void ql_rtos_task_sleep_ms(uint32_t ms) { usleep(ms * 1000); }

// Begins shortly before its 32 bits wrap, so that every run passes that.
uint32_t ql_rtos_get_systicks() {
  static const auto start = std::chrono::steady_clock::now();
  const auto passed = std::chrono::steady_clock::now() - start;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(passed).count();
  return static_cast<uint32_t>(0xFFFFFF00ULL + static_cast<uint64_t>(ms) / METERLENS_TICK_MS);
}

int ql_rtos_semaphore_create(ql_sem_t* semaphore, uint32_t count) {
  auto* made = new sem_t;
  *semaphore = made;
  return sem_init(made, 0, count);
}

int ql_rtos_semaphore_wait(ql_sem_t semaphore, uint32_t ms) {
  auto* waited = static_cast<sem_t*>(semaphore);
  if (ms == 0) return sem_trywait(waited);
  timespec until{};
  clock_gettime(CLOCK_MONOTONIC, &until);
  const std::int64_t ns = until.tv_nsec + std::int64_t{ms} * 1'000'000;
  until.tv_sec += ns / 1'000'000'000;
  until.tv_nsec = ns % 1'000'000'000;
  int result = 0;
  while ((result = sem_clockwait(waited, CLOCK_MONOTONIC, &until)) != 0 && errno == EINTR) continue;
  return result;
}

int ql_rtos_semaphore_release(ql_sem_t semaphore) {
  return sem_post(static_cast<sem_t*>(semaphore));
}

int ql_rtos_mutex_create(ql_mutex_t* mutex) {
  *mutex = new std::mutex;
  return 0;
}

int ql_rtos_mutex_lock(ql_mutex_t mutex, uint32_t) {
  static_cast<std::mutex*>(mutex)->lock();
  return 0;
}

int ql_rtos_mutex_unlock(ql_mutex_t mutex) {
  static_cast<std::mutex*>(mutex)->unlock();
  return 0;
}

QFILE* ql_fopen(const char* path, const char* mode) {
  std::FILE* file = std::fopen(file_path(path).c_str(), mode);
  return file == nullptr ? nullptr : new QFILE{file};
}

int ql_fclose(QFILE* file) {
  const int result = std::fclose(file->file);
  delete file;
  return result;
}

int ql_fread(void* out, size_t size, size_t count, QFILE* file) {
  return static_cast<int>(std::fread(out, size, count, file->file));
}

int ql_fwrite(const void* data, size_t size, size_t count, QFILE* file) {
  return static_cast<int>(std::fwrite(data, size, count, file->file));
}

int ql_fsync(QFILE* file) { return std::fflush(file->file); }

int ql_network_register_wait(uint32_t) { return 0; }

int ql_start_data_call(int, int, char*, char*, char*, int) { return 0; }

int ql_stop_data_call(int) { return 0; }

int ql_nw_get_csq(unsigned char* csq) {
  *csq = 20;
  return 0;
}

int ql_dev_get_imei(char* out, size_t chars) { return give_text("860000000000002", out, chars); }

int ql_sim_get_iccid(char* out, size_t chars) {
  return give_text("89860012345678901235", out, chars);
}

int ql_rtc_get_time(ql_rtc_time_t* out) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  *out = {parts.tm_sec,     parts.tm_min,         parts.tm_hour, parts.tm_mday,
          parts.tm_mon + 1, parts.tm_year + 1900, parts.tm_wday};
  return 0;
}

void ql_power_reset() {
  std::fprintf(stderr, "stand-in: power reset\n");
  _exit(17);
}
}
