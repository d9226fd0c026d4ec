// What is asked of devices' credentials: made by an administrator, or by the device itself, which
// proves that it knows its product's secret.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "protocol/ids.h"
#include "server/api/answers.h"
#include "server/api/door_json.h"
#include "server/api/doorkeeper.h"
#include "server/door/admission.h"
#include "server/door/secret.h"

namespace meterlens::api {
namespace {

constexpr std::size_t password_chars_least = 20, password_chars_most = 64;

// A device makes its password itself, so an answer that is lost costs nothing.
bool is_good_password(const std::string& text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_';
  };
  return text.size() >= password_chars_least && text.size() <= password_chars_most &&
         std::ranges::all_of(text, allowed);
}

}  // namespace

Response Doorkeeper::credentials(const Request&, const std::string&) {
  const auto credentials = access_.credentials();
  if (!credentials) return store_error(credentials.error(), "credential");
  return json_response(credentials_json(*credentials));
}

std::string Doorkeeper::name_fault(const std::string& device) const {
  return settings_.doors.names_have_no_dot ? door::fault_of_fleet_name(device) : "";
}

Response Doorkeeper::add_credential(const Request& request, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("device", id);
  if (const auto fault = name_fault(id); !fault.empty()) return bad_request(fault);
  const std::string password = door::random_secret(secret_chars);
  const door::Credential credential{id, door::mosquitto_hash(password), request.caller.name,
                                    unix_ms(), false};
  if (const auto saved = access_.save_credential(credential); !saved)
    return store_error(saved.error(), "credential");
  if (doors_.credentials_changed) doors_.credentials_changed();
  Response response = json_response(credential_json(credential, password), 201);
  write_down(request, response, "", response.body);
  return response;
}

Response Doorkeeper::remove_credential(const Request& request, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("device", id);
  auto credential = access_.credential(id);
  if (!credential) return store_error(credential.error(), "credential");
  if (!*credential || (*credential)->removed) return unknown("credential", id);
  const std::string before = credential_json(**credential);
  const door::Credential removed{id, "", request.caller.name, unix_ms(), true};
  if (const auto saved = access_.save_credential(removed); !saved)
    return store_error(saved.error(), "credential");
  if (doors_.credentials_changed) doors_.credentials_changed();
  Response response = json_response("{}");
  write_down(request, response, before, "");
  return response;
}

Response Doorkeeper::products(const Request&, const std::string&) {
  const auto products = access_.products();
  if (!products) return store_error(products.error(), "product");
  return json_response(products_json(*products));
}

Response Doorkeeper::add_product(const Request& request, const std::string&) {
  const auto body = parse_texts(request.body, {"name"});
  if (!body) return bad_request(body.error());
  const std::string& name = body->at("name");
  if (!protocol::is_device_name(name))
    return bad_request("name must be 1 to 64 of A-Z a-z 0-9 . _ - and not begin with a dot");
  const std::string secret = door::random_secret(secret_chars);
  const door::Product product{name, door::hash_token(secret), unix_ms()};
  if (const auto added = access_.add_product(product); !added)
    return store_error(added.error(), "product");
  Response response = json_response(product_json(product, secret), 201);
  write_down(request, response, "", response.body);
  return response;
}

Response Doorkeeper::remove_product(const Request& request, const std::string& id) {
  if (const auto removed = access_.remove_product(id); !removed)
    return store_error(removed.error(), "product");
  Response response = json_response("{}");
  write_down(request, response, "", "");
  return response;
}

Response Doorkeeper::register_device(const Request& request, const std::string&) {
  const auto body = parse_texts(request.body, {"product", "secret", "device", "password"});
  if (!body) return bad_request(body.error());
  const std::string& device = body->at("device");
  const std::string& password = body->at("password");
  if (!protocol::is_device_name(device))
    return bad_request("device must be 1 to 64 of A-Z a-z 0-9 . _ - and not begin with a dot");
  if (const auto fault = name_fault(device); !fault.empty()) return bad_request(fault);
  if (!is_good_password(password))
    return bad_request("password must be 20 to 64 of A-Z a-z 0-9 - _, of chance");
  const std::string network = door::network_of(request.address);
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t now = steady_ms();
    const std::int64_t wait = registrations_.wait_ms(network, now);
    registrations_.count(network, now);
    if (wait > 0) {
      Response response = error_response(429, "too_many_attempts",
                                         "too many registrations from this address");
      response.headers.emplace_back("Retry-After", std::to_string((wait + 999) / 1000));
      return response;
    }
  }
  const auto product = access_.product(body->at("product"));
  if (!product) return store_error(product.error(), "product");
  const std::string shown = door::hash_token(body->at("secret"));
  if (!*product || !door::is_equal((*product)->hash, shown))
    return error_response(403, "wrong_secret", "the product or its secret is wrong");

  const door::Credential credential{device, door::mosquitto_hash(password),
                                    "product " + (*product)->name, unix_ms(), false};
  const auto made = access_.register_credential(credential);
  if (!made && made.error().code != store::ErrorCode::conflict)
    return store_error(made.error(), "credential");
  if (!made) {
    const auto known = access_.credential(device);
    const bool is_same = known && *known && !(*known)->removed &&
                         door::is_mosquitto_password((*known)->hash, password);
    if (is_same) return json_response(credential_json(**known));
    return error_response(409, "device_known",
                          "a device of this name is known already; an administrator gives it a "
                          "credential (POST /api/v1/devices/{device}/credential)");
  }
  if (doors_.credentials_changed) doors_.credentials_changed();
  Response response = json_response(credential_json(credential), 201);
  Request by_device = request;
  by_device.caller = {.name = "device " + device, .by = "none", .address = request.address};
  write_down(by_device, response, "", response.body);
  spdlog::info(fmt::format("device {} of product {} has registered from {}", device,
                           (*product)->name, request.address));
  return response;
}

}  // namespace meterlens::api
