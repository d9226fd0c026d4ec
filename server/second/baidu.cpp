#include "server/second/baidu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "protocol/require.h"
#include "server/clock.h"

namespace meterlens::second {
namespace {

using server::day_ms;
constexpr const char* token_path = "/oauth/2.0/token";
// A token is renewed so long before its end, but used for half of its life at least.
constexpr std::int64_t token_margin_ms = 3'600'000;
constexpr std::int64_t too_fast_ms = 1000;

bool is_on_this_machine(std::string_view url) {
  for (const std::string_view start : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    if (!url.starts_with(start)) continue;
    const std::string_view rest = url.substr(start.size());
    if (rest.empty() || rest.front() == ':' || rest.front() == '/') return true;
  }
  return false;
}

Refusal refused(bool asked, std::string reason) { return {asked, std::move(reason)}; }

}  // namespace

std::expected<void, std::string> check(const BaiduSettings& settings) {
  if (!settings.base_url.starts_with("https://") && !is_on_this_machine(settings.base_url))
    return std::unexpected("base_url in [second] must begin with https://, for keys go there");
  if (settings.base_url.find_first_of("?#@ ") != std::string::npos)
    return std::unexpected("base_url in [second] must be an address without ? # @ and spaces");
  if (!settings.endpoint.starts_with('/') ||
      settings.endpoint.find_first_of("?# ") != std::string::npos)
    return std::unexpected("endpoint in [second] must be a path that begins with /");
  return {};
}

Baidu::Baidu(const BaiduSettings& settings, Keys keys, Book book, World world)
    : settings_(settings),
      keys_(std::move(keys)),
      book_(std::move(book)),
      world_(std::move(world)) {
  protocol::require(settings_.calls_per_second > 0 && settings_.tries_max >= 1);
  turns_ms_ = world_.steady_ms();
}

std::int64_t Baidu::day() const {
  const std::int64_t shifted = world_.unix_ms() + settings_.day_offset_ms;
  return shifted >= 0 ? shifted / day_ms : -((-shifted + day_ms - 1) / day_ms);
}

// What the provider says may have our own words in it.
std::string Baidu::clean(std::string text) const {
  std::string token;
  {
    const std::lock_guard lock(mutex_);
    token = token_;
  }
  for (const std::string& secret : {keys_.key, keys_.secret, token}) {
    if (secret.empty()) continue;
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos;)
      text.replace(at, secret.size(), "***");
  }
  return text;
}

std::optional<std::string> Baidu::why_not() {
  const Stop stop = book_.stopped();
  if (stop.kind == Stop::Kind::none) return std::nullopt;
  if (stop.until_ms != 0 && world_.unix_ms() >= stop.until_ms) return std::nullopt;
  return stop.reason;
}

void Baidu::put_stop(Stop::Kind kind, std::int64_t until_ms, const std::string& reason) {
  book_.stop({kind, until_ms, reason});
}

bool Baidu::reserve() {
  const auto billed = book_.billed(day());
  const std::lock_guard lock(mutex_);
  if (!billed || *billed + open_ >= settings_.daily_quota) return false;
  ++open_;
  return true;
}

void Baidu::release() {
  const std::lock_guard lock(mutex_);
  --open_;
}

bool Baidu::wait_for_turn() {
  for (;;) {
    std::int64_t wait_ms = 0;
    {
      const std::lock_guard lock(mutex_);
      const std::int64_t now_ms = world_.steady_ms();
      const double gained =
          static_cast<double>(now_ms - turns_ms_) * settings_.calls_per_second / 1000;
      turns_ = std::min(turns_ + gained, std::max(1.0, settings_.calls_per_second));
      turns_ms_ = now_ms;
      if (turns_ >= 1 && now_ms >= held_until_ms_) {
        turns_ -= 1;
        return true;
      }
      const double missing_ms = (1 - turns_) * 1000 / settings_.calls_per_second;
      wait_ms = std::max({std::int64_t{1}, held_until_ms_ - now_ms,
                          static_cast<std::int64_t>(std::ceil(missing_ms))});
    }
    if (!world_.wait(wait_ms)) return false;
  }
}

std::int64_t Baidu::pause_ms(int failures) {
  std::int64_t pause = settings_.pause_ms_first;
  for (int i = 1; i < failures && pause < settings_.pause_ms_max; ++i) pause *= 2;
  pause = std::min(pause, settings_.pause_ms_max);
  return pause / 2 + static_cast<std::int64_t>(static_cast<double>(pause) / 2 * world_.chance());
}

std::expected<std::string, Fault> Baidu::token() {
  const std::lock_guard one(token_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (!token_.empty() && world_.steady_ms() < token_ends_ms_) return token_;
  }
  // The address bears the secret, as the provider wants it: it is never shown.
  const std::string url = fmt::format(
      "{}{}?grant_type=client_credentials&client_id={}&client_secret={}", settings_.base_url,
      token_path, url_encoded(keys_.key), url_encoded(keys_.secret));
  const auto reply =
      world_.post({url, "", settings_.timeout_ms, settings_.answer_bytes_max});
  if (!reply) return std::unexpected(Fault{0, Remedy::retry, "no token: " + reply.error()});
  auto token = parse_token(reply->body);
  if (!token) return std::unexpected(token.error());
  const std::int64_t lasts_ms = token->lasts_s * 1000;
  const std::lock_guard lock(mutex_);
  token_ = std::move(token->text);
  token_ends_ms_ =
      world_.steady_ms() + std::max(lasts_ms - token_margin_ms, lasts_ms / 2);
  return token_;
}

std::expected<void, std::string> Baidu::try_keys() {
  {
    const std::lock_guard lock(mutex_);
    token_.clear();
  }
  const auto fresh = token();
  if (!fresh) return std::unexpected(clean(fresh.error().message));
  return {};
}

std::expected<std::vector<Word>, Fault> Baidu::send(Question& question,
                                                    const std::string& token) {
  const std::string url =
      settings_.base_url + settings_.endpoint + "?access_token=" + url_encoded(token);
  question.asked = true;
  const auto reply = world_.post({url, "image=" + *question.field + "&probability=true",
                                  settings_.timeout_ms, settings_.answer_bytes_max});
  Use use{day(), question.meter, 1, 0, 0};
  if (!reply) {
    book_.add(use);
    return std::unexpected(Fault{0, Remedy::retry, reply.error()});
  }
  auto words = parse_answer(reply->body);
  if (words) {
    use.billed = 1;
    use.cost_micro = settings_.price_micro;
  } else if (words.error().code == 0 && reply->status != 200) {
    words.error().message = fmt::format("HTTP {}", reply->status);
  }
  book_.add(use);
  return words;
}

std::expected<std::vector<Word>, Fault> Baidu::once(Question& question) {
  const auto with = token();
  if (!with) return std::unexpected(with.error());
  if (!wait_for_turn()) return std::unexpected(Fault{0, Remedy::photo, "it is stopping"});
  auto words = send(question, *with);
  if (words || words.error().remedy != Remedy::renew_token) return words;
  // Somebody else may have renewed it meanwhile.
  const std::lock_guard lock(mutex_);
  if (token_ == *with) token_.clear();
  return words;
}

std::optional<Refusal> Baidu::after(Question& question, const Fault& fault) {
  const std::string said = clean(fault.message);
  const auto stop = [&](Stop::Kind kind, std::int64_t until_ms, std::string reason) {
    put_stop(kind, until_ms, reason);
    return refused(question.asked, std::move(reason));
  };
  switch (fault.remedy) {
    case Remedy::photo:
      return refused(question.asked, said);
    case Remedy::stop_today:
      return stop(Stop::Kind::quota_today, (day() + 1) * day_ms - settings_.day_offset_ms,
                  "the provider's daily quota is used up: " + said);
    case Remedy::stop:
      return stop(Stop::Kind::quota, 0, "the provider's total quota is used up: " + said);
    case Remedy::configuration:
      return stop(Stop::Kind::configuration, 0,
                  "the provider refuses the account: " + said +
                      "; check the keys and the rights of its application");
    case Remedy::bug:
      return stop(Stop::Kind::fault, 0, "the provider calls the request wrong: " + said);
    case Remedy::renew_token:
      if (question.renewed) {
        return stop(Stop::Kind::configuration, 0,
                    "the provider refuses a new token: " + said + "; check the account");
      }
      question.renewed = true;
      return std::nullopt;
    case Remedy::slow_down: {
      const std::lock_guard lock(mutex_);
      turns_ = std::min(turns_, 0.0);
      held_until_ms_ = world_.steady_ms() + too_fast_ms;
      break;
    }
    case Remedy::retry: break;
  }
  const std::int64_t pause = pause_ms(++question.failures);
  const std::int64_t spent_ms = world_.steady_ms() - question.began_ms;
  if (question.failures >= settings_.tries_max || spent_ms + pause > settings_.patience_ms)
    return refused(question.asked, fmt::format("no answer after {} tries: {}", question.failures,
                                               said));
  if (!world_.wait(pause)) return refused(question.asked, "it is stopping");
  return std::nullopt;
}

std::expected<std::vector<Word>, Refusal> Baidu::ask(const std::string& meter,
                                                     const std::string& field) {
  if (auto why = why_not()) return std::unexpected(refused(false, *std::move(why)));
  if (!reserve()) {
    const auto billed = book_.billed(day());
    if (!billed) return std::unexpected(refused(false, "its calls cannot be counted now"));
    std::string reason = fmt::format("the day's {} calls are used up", settings_.daily_quota);
    // Those that are still under way may come to nothing.
    if (*billed >= settings_.daily_quota)
      put_stop(Stop::Kind::quota_today, (day() + 1) * day_ms - settings_.day_offset_ms, reason);
    return std::unexpected(refused(false, std::move(reason)));
  }
  Question question{meter, &field, world_.steady_ms(), 0, false, false};
  for (;;) {
    auto words = once(question);
    if (!words) {
      auto end = after(question, words.error());
      if (!end) continue;
      release();
      return std::unexpected(*std::move(end));
    }
    release();
    return *std::move(words);
  }
}

}  // namespace meterlens::second
