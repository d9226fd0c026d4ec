#include "server/notify/email.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <fmt/chrono.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string_view>

#include "protocol/require.h"
#include "server/notify/amount.h"
#include "server/clock.h"
#include "server/notify/give_up.h"
#include "server/notify/http_client.h"
#include "server/notify/news_json.h"

namespace meterlens::notify {
namespace {

using server::unix_ms;

constexpr int alarm_count_max = 50;  // in one message
constexpr long email_connect_s_max = 10;

// Without what could end a line.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return out;
}

std::string subject_of_alarm(const store::Alarm& alarm) {
  const std::string what = store::subject_of(alarm.kind);
  return what.empty() ? "" : fmt::format(" of {} {}", what, one_line(alarm.subject));
}

std::string alarm_line(const store::News& news) {
  const char* what = news.kind == store::NewsKind::alarm_raised ? "ALARM" : "ended";
  return fmt::format("{}  {}: {}{}\r\n    {}\r\n", time_text(news.at_ms), what,
                     store::name(news.alarm.kind), subject_of_alarm(news.alarm),
                     one_line(news.reason));
}

std::string date_of(std::int64_t now_ms) {
  const auto seconds = static_cast<std::time_t>(now_ms / 1000);
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} +0000", fmt::gmtime(seconds));
}

std::string subject_line(std::span<const store::News> news) {
  if (news.empty()) return "Meterlens: this is a test";
  const store::News& first = news.front();
  const std::string more = news.size() > 1 ? fmt::format(" and {} more", news.size() - 1) : "";
  return fmt::format("Meterlens: {}{}{}{}", store::name(first.alarm.kind),
                     subject_of_alarm(first.alarm),
                     first.kind == store::NewsKind::alarm_cleared ? " ended" : "", more);
}

struct Unread {
  std::string_view rest;
  static std::size_t read(char* out, std::size_t size, std::size_t count, void* self) {
    auto& rest = static_cast<Unread*>(self)->rest;
    const std::size_t bytes = std::min(size * count, rest.size());
    std::memcpy(out, rest.data(), bytes);
    rest.remove_prefix(bytes);
    return bytes;
  }
};

class Email : public Sink {
 public:
  Email(const EmailSettings& settings, const std::string& host)
      : settings_(settings), host_(host) {
    init_curl();
  }

  bool wants(store::Stream stream) const override { return stream == store::Stream::alarm; }
  int batch_max() const override { return alarm_count_max; }

  Sent send(std::span<const store::News> news) override {
    std::vector<store::News> told;
    std::ranges::copy_if(news, std::back_inserter(told), [](const store::News& one) {
      return one.kind != store::NewsKind::alarm_acknowledged;
    });
    if (told.empty()) return {};
    return mail(email_text(settings_, host_, told, unix_ms()));
  }
  Sent test() override { return mail(email_text(settings_, host_, {}, unix_ms())); }

 private:
  Sent mail(const std::string& text);
  void set_up(CURL* curl, curl_slist* to) const;

  const EmailSettings settings_;
  const std::string host_;
};

void Email::set_up(CURL* curl, curl_slist* to) const {
  const bool is_tls = settings_.tls == "tls";
  const std::string url = fmt::format("{}://{}:{}/{}", is_tls ? "smtps" : "smtp", settings_.host,
                                      settings_.port, host_);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  const long use_tls = settings_.tls == "none" ? CURLUSESSL_NONE : CURLUSESSL_ALL;
  curl_easy_setopt(curl, CURLOPT_USE_SSL, use_tls);
  if (!settings_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, settings_.ca_file.c_str());
  if (!settings_.user.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, settings_.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, settings_.password.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, ("<" + settings_.from + ">").c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  const auto timeout_s = static_cast<long>(settings_.timeout_s);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout_s);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, std::min(timeout_s, email_connect_s_max));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, give_up);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&stopping_));
}

Trouble trouble_of(CURLcode code, long status) {
  if (code == CURLE_LOGIN_DENIED) return Trouble::not_let_in;
  return status >= 400 ? Trouble::not_taken : Trouble::no_answer;
}

Sent Email::mail(const std::string& text) {
  CURL* curl = curl_easy_init();
  protocol::require(curl != nullptr);
  curl_slist* to = nullptr;
  for (const std::string& one : settings_.to)
    to = curl_slist_append(to, ("<" + one + ">").c_str());
  std::array<char, CURL_ERROR_SIZE> words{};
  Unread unread{text};
  set_up(curl, to);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, Unread::read);
  curl_easy_setopt(curl, CURLOPT_READDATA, &unread);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words.data());
  const CURLcode code = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_slist_free_all(to);
  curl_easy_cleanup(curl);
  if (code == CURLE_OK) return {};
  const std::string why = words[0] != '\0' ? words.data() : curl_easy_strerror(code);
  const std::string error = fmt::format("the mail server {}:{} did not take it ({}): {}",
                                        settings_.host, settings_.port, status, why);
  // Of an answer of ours that is wrong for good only the message itself can be meant.
  if (status == 554 && code == CURLE_WEIRD_SERVER_REPLY) return refused(error);
  return later(error, trouble_of(code, status));
}

}  // namespace

std::unique_ptr<Sink> make_email(const EmailSettings& settings, const std::string& host) {
  return std::make_unique<Email>(settings, host);
}

std::string email_text(const EmailSettings& settings, const std::string& host,
                       std::span<const store::News> news, std::int64_t now_ms) {
  std::string to;
  for (const std::string& one : settings.to) to += (to.empty() ? "<" : ", <") + one_line(one) + ">";
  std::string text = fmt::format(
      "Date: {}\r\nFrom: Meterlens <{}>\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: <{}.{}@{}>\r\n"
      "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: 8bit\r\nAuto-Submitted: auto-generated\r\n\r\n",
      date_of(now_ms), one_line(settings.from), to, one_line(subject_line(news)),
      news.empty() ? "test" : news_id(news.back()), now_ms, one_line(host));
  if (news.empty()) text += "If you can read this, Meterlens can send you alarms.\r\n";
  for (const store::News& one : news) text += alarm_line(one);
  return text + fmt::format("\r\n-- \r\nMeterlens on {}\r\n", one_line(host));
}

}  // namespace meterlens::notify
