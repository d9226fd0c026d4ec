#include "app/second_settings.h"

#include <fmt/format.h>

#include <cstdlib>

#include "server/validate/decimal.h"

namespace meterlens::app {
namespace {

constexpr int micro_decimals = 6;
constexpr std::int64_t price_micro_max = 1'000'000'000;  // a thousand a call is a slip of the pen

std::expected<std::int64_t, std::string> micro_of(const std::string& price) {
  const auto value = validate::parse_decimal(price);
  if (value && value->decimals <= micro_decimals && value->count <= price_micro_max) {
    const std::int64_t micro =
        value->count * validate::power_of_ten(micro_decimals - value->decimals);
    if (micro <= price_micro_max) return micro;
  }
  return std::unexpected("price in [second] must be a number with up to 6 decimals in quotation "
                         "marks, like \"0.005\", at most 1000");
}

std::expected<std::optional<second::Keys>, std::string> keys_of(const Settings& settings) {
  const bool has_any = !settings.second_keys_file.empty() ||
                       std::getenv(second::key_variable) != nullptr ||
                       std::getenv(second::secret_variable) != nullptr;
  if (!has_any && settings.second_policy == second::name(second::Policy::local))
    return std::nullopt;
  auto keys = second::load_keys(settings.second_keys_file);
  if (!keys) return std::unexpected(keys.error());
  return *std::move(keys);
}

}  // namespace

std::expected<server::SecondSettings, std::string> second_settings(const Settings& settings) {
  server::SecondSettings out;
  const auto price = micro_of(settings.second_price);
  if (!price) return std::unexpected(price.error());
  auto keys = keys_of(settings);
  if (!keys) return std::unexpected(keys.error());
  out.keys = *std::move(keys);
  out.policy = second::policy_named(settings.second_policy).value_or(second::Policy::local);
  out.whole_photo = settings.second_send == "photo";
  out.sure = static_cast<double>(settings.second_sure_percent) / 100;
  out.threads = static_cast<int>(settings.second_threads);
  out.photos_max = static_cast<std::size_t>(settings.second_photos_max);
  second::BaiduSettings& baidu = out.baidu;
  baidu.base_url = settings.second_base_url;
  while (baidu.base_url.ends_with('/')) baidu.base_url.pop_back();
  baidu.endpoint = settings.second_endpoint;
  baidu.calls_per_second = static_cast<double>(settings.second_calls_per_second);
  baidu.daily_quota = settings.second_calls_per_day;
  baidu.price_micro = *price;
  baidu.day_offset_ms = settings.second_day_offset_min * 60'000;
  baidu.timeout_ms = settings.second_timeout_ms;
  baidu.tries_max = static_cast<int>(settings.second_tries_max);
  baidu.patience_ms = settings.second_patience_s * 1000;
  if (const auto good = second::check(baidu); !good) return std::unexpected(good.error());
  return out;
}

}  // namespace meterlens::app
