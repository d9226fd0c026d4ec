#include "setup_page.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "boards/esp32cam/portable/dns.h"
#include "device/text.h"
#include "esp_log.h"
#include "esp_system.h"
#include "esp_wifi.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "kept_setup.h"
#include "lwip/sockets.h"
#include "protocol/json.h"

extern "C" const char page_start[] asm("_binary_page_html_start");

namespace meterlens::esp32cam {
namespace {

constexpr const char* tag = "page";
constexpr const char* home = "http://192.168.4.1/";
constexpr Ipv4 home_address = {192, 168, 4, 1};
constexpr std::uint16_t dns_port = 53;
constexpr std::uint32_t names_stack_bytes = 4'096;
constexpr int names_priority = 2;
constexpr std::uint16_t found_count_max = 20;
// Each name of 32 bytes may take six times as many characters, and 35 for what stands around it.
constexpr std::size_t networks_chars_max = 512 + found_count_max * (6 * 32 + 35);

in_addr_t home_in_addr() {
  in_addr_t address = 0;
  std::memcpy(&address, home_address.data(), sizeof address);
  return address;
}

// Of the set-up network: a client of the home network has no business here.
bool is_at_home(int socket) {
  sockaddr_storage local{};
  socklen_t bytes = sizeof local;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&local), &bytes) != 0) return false;
  if (local.ss_family == AF_INET)
    return reinterpret_cast<const sockaddr_in&>(local).sin_addr.s_addr == home_in_addr();
  if (local.ss_family != AF_INET6) return false;
  // An IPv4 connection to the server's IPv6 socket: the address is in the last four bytes.
  const auto& address = reinterpret_cast<const sockaddr_in6&>(local).sin6_addr;
  const auto* bytes_of = reinterpret_cast<const std::uint8_t*>(&address);
  return std::equal(home_address.begin(), home_address.end(), bytes_of + 12);
}

esp_err_t admit(httpd_handle_t, int socket) { return is_at_home(socket) ? ESP_OK : ESP_FAIL; }

// A page of elsewhere, open in the same browser, must not send the form.
bool is_own_origin(httpd_req_t* request) {
  std::array<char, 64> origin{};
  if (httpd_req_get_hdr_value_len(request, "Origin") == 0) return true;
  return httpd_req_get_hdr_value_str(request, "Origin", origin.data(), origin.size()) == ESP_OK &&
         std::string_view(origin.data()) == "http://192.168.4.1";
}

// false: it did not come, or is longer than a form may be.
bool receive(httpd_req_t* request, std::span<char> out) {
  if (request->content_len == 0 || request->content_len > out.size()) return false;
  for (std::size_t count = 0; count < request->content_len;) {
    const int got = httpd_req_recv(request, out.data() + count, request->content_len - count);
    if (got <= 0) return false;
    count += static_cast<std::size_t>(got);
  }
  return true;
}

void put_text(device::TextWriter& out, std::string_view text) {
  const auto written = protocol::json_escape(text, out.room());
  if (written) out.skip(*written);
}

void restart_soon(void*) {
  vTaskDelay(pdMS_TO_TICKS(1'500));  // the answer leaves first
  esp_restart();
}

}  // namespace

void SetupPage::open() {
  httpd_config_t config = HTTPD_DEFAULT_CONFIG();
  config.max_open_sockets = 4;
  config.lru_purge_enable = true;
  config.open_fn = admit;
  config.stack_size = 6'144;
  if (httpd_start(&server_, &config) != ESP_OK) {
    ESP_LOGE(tag, "no web server: not enough memory?");
    server_ = nullptr;
    return;
  }
  const httpd_uri_t pages[] = {
      {.uri = "/", .method = HTTP_GET, .handler = send_page, .user_ctx = this},
      {.uri = "/networks", .method = HTTP_GET, .handler = send_networks, .user_ctx = this},
      {.uri = "/save", .method = HTTP_POST, .handler = take_form, .user_ctx = this},
  };
  for (const httpd_uri_t& page : pages) httpd_register_uri_handler(server_, &page);
  // What phones ask for to find out whether a network has a page.
  httpd_register_err_handler(server_, HTTPD_404_NOT_FOUND, send_home);
  names_open_ = true;
  if (xTaskCreate(answer_names, "names", names_stack_bytes, this, names_priority, nullptr) !=
      pdPASS)
    ESP_LOGE(tag, "no name server: open %s by hand", home);
}

void SetupPage::close() {
  names_open_ = false;
  httpd_stop(server_);
  server_ = nullptr;
}

esp_err_t SetupPage::send_page(httpd_req_t* request) {
  static_cast<SetupPage*>(request->user_ctx)->visited_ = true;
  httpd_resp_set_type(request, "text/html; charset=utf-8");
  httpd_resp_set_hdr(request, "Cache-Control", "no-store");
  return httpd_resp_send(request, page_start, HTTPD_RESP_USE_STRLEN);
}

// {"device":"..","ssid":"..","broker":"..","networks":[{"ssid":"..","dbm":-60},..]}; a broker's
// user and password are not told again.
esp_err_t SetupPage::send_networks(httpd_req_t* request) {
  const auto& self = *static_cast<SetupPage*>(request->user_ctx);
  static std::array<wifi_ap_record_t, found_count_max> found;
  static std::array<char, networks_chars_max> text;
  std::uint16_t count = found_count_max;
  // Refused while the station connects: the page asks again.
  if (esp_wifi_scan_start(nullptr, true) != ESP_OK ||
      esp_wifi_scan_get_ap_records(&count, found.data()) != ESP_OK)
    count = 0;
  device::TextWriter out(text);
  out.put("{\"device\":\"");
  put_text(out, self.setup_ ? self.setup_->device.view() : name_of_chip().view());
  out.put("\",\"ssid\":\"");
  if (self.setup_) put_text(out, self.setup_->ssid.view());
  out.put("\",\"networks\":[");
  for (std::uint16_t i = 0; i < count; ++i) {
    out.put(i == 0 ? "{\"ssid\":\"" : ",{\"ssid\":\"");
    const auto* ssid = reinterpret_cast<const char*>(found[i].ssid);
    put_text(out, {ssid, strnlen(ssid, 32)});
    out.put("\",\"dbm\":-").put_number(static_cast<std::uint64_t>(std::max(-found[i].rssi, 0)));
    out.put("}");
  }
  out.put("]}");
  httpd_resp_set_type(request, "application/json");
  return httpd_resp_send(request, text.data(), static_cast<ssize_t>(out.count()));
}

// Answers with the name of the wrong field, or "none".
esp_err_t SetupPage::take_form(httpd_req_t* request) {
  static_cast<SetupPage*>(request->user_ctx)->visited_ = true;
  static std::array<char, form_bytes_max> body;
  Flaw flaw = Flaw::form;
  if (is_own_origin(request) && receive(request, body)) {
    const auto setup = read_form({body.data(), request->content_len});
    flaw = setup ? Flaw::none : setup.error();
    if (setup && !save_setup(*setup)) flaw = Flaw::form;
  }
  body.fill(0);
  httpd_resp_set_type(request, "text/plain");
  if (flaw != Flaw::none) httpd_resp_set_status(request, "422 Unprocessable Content");
  const esp_err_t sent = httpd_resp_sendstr(request, name(flaw));
  if (flaw == Flaw::none) xTaskCreate(restart_soon, "restart", 2'048, nullptr, 1, nullptr);
  return sent;
}

esp_err_t SetupPage::send_home(httpd_req_t* request, httpd_err_code_t) {
  httpd_resp_set_status(request, "302 Found");
  httpd_resp_set_hdr(request, "Location", home);
  return httpd_resp_send(request, "", 0);
}

void SetupPage::answer_names(void* self) {
  const auto& page = *static_cast<SetupPage*>(self);
  const int server = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_port = htons(dns_port);
  local.sin_addr.s_addr = home_in_addr();
  const timeval patience = {.tv_sec = 1, .tv_usec = 0};  // then it looks whether it is to end
  setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const bool bound = bind(server, reinterpret_cast<sockaddr*>(&local), sizeof local) == 0;
  if (!bound) ESP_LOGE(tag, "no name server: open %s by hand", home);
  std::array<std::uint8_t, dns_bytes_max> query, answer;
  while (bound && page.names_open_) {
    sockaddr_in from{};
    socklen_t from_bytes = sizeof from;
    const auto got = recvfrom(server, query.data(), query.size(), 0,
                              reinterpret_cast<sockaddr*>(&from), &from_bytes);
    if (got <= 0) continue;
    const std::size_t count =
        answer_dns({query.data(), static_cast<std::size_t>(got)}, home_address, answer);
    if (count > 0)
      sendto(server, answer.data(), count, 0, reinterpret_cast<sockaddr*>(&from), from_bytes);
  }
  ::close(server);
  vTaskDelete(nullptr);
}

}  // namespace meterlens::esp32cam
