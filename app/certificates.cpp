#include "app/certificates.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <ctime>

namespace meterlens::app {
namespace {

using namespace std::chrono_literals;

constexpr auto between_looks = 10s;

std::string whole(const door::Certificate& certificate) {
  return certificate.chain + certificate.key;
}

}  // namespace

Certificates::Certificates(const Settings& settings, Show http, Show mqtt) {
  if (!settings.tls_http_certificate_file.empty())
    all_.push_back({"HTTP", settings.tls_http_certificate_file, settings.tls_http_key_file,
                    std::move(http)});
  if (!settings.tls_mqtt_certificate_file.empty() && settings.broker_embedded)
    all_.push_back({"MQTT", settings.tls_mqtt_certificate_file, settings.tls_mqtt_key_file,
                    std::move(mqtt)});
  for (One& one : all_)
    if (const auto now = door::read_certificate(one.chain_file, one.key_file, std::time(nullptr)))
      one.shown = whole(*now);
  if (!all_.empty()) thread_ = std::thread([this] { run(); });
}

bool Certificates::has_any(const Settings& settings) {
  return !settings.tls_http_certificate_file.empty() ||
         !settings.tls_mqtt_certificate_file.empty();
}

Certificates::~Certificates() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Certificates::look() {
  {
    const std::lock_guard lock(mutex_);
    hurry_ = true;
  }
  changed_.notify_all();
}

void Certificates::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    changed_.wait_for(lock, between_looks, [this] { return hurry_ || ending_; });
    if (ending_) return;
    hurry_ = false;
    lock.unlock();
    for (One& one : all_) look_at(one);
    lock.lock();
  }
}

void Certificates::look_at(One& one) {
  const auto now = door::read_certificate(one.chain_file, one.key_file, std::time(nullptr));
  if (!now) {
    if (one.wrong != now.error())
      spdlog::error(
          fmt::format("{}: the certificate before goes on being shown: {}", one.name, now.error()));
    one.wrong = now.error();
    return;
  }
  one.wrong.clear();
  if (whole(*now) == one.shown) return;
  one.shown = whole(*now);
  one.show(*now);
  spdlog::info(fmt::format("{}: new connections are shown the certificate that is in {} now",
                           one.name, one.chain_file));
}

}  // namespace meterlens::app
