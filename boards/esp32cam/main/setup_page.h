// The set-up page: a web server with one page, and a name server that leads every name to it. Both
// answer on the set-up network only, whatever else the device is connected to.
// Its calls are for the station's task.
#pragma once

#include <atomic>
#include <optional>

#include "boards/esp32cam/portable/setup.h"
#include "esp_http_server.h"

namespace meterlens::esp32cam {

class SetupPage {
 public:
  // What the page shows of the present set-up: all but the passwords.
  explicit SetupPage(const std::optional<Setup>& setup) : setup_(setup) {}

  void open();
  void close();
  bool is_open() const { return server_ != nullptr; }
  // Since the last call.
  bool was_visited() { return visited_.exchange(false); }

 private:
  static esp_err_t send_page(httpd_req_t* request);
  static esp_err_t send_networks(httpd_req_t* request);
  static esp_err_t take_form(httpd_req_t* request);
  static esp_err_t send_home(httpd_req_t* request, httpd_err_code_t);
  static void answer_names(void* self);

  std::optional<Setup> setup_;
  httpd_handle_t server_ = nullptr;
  std::atomic<bool> names_open_ = false;
  std::atomic<bool> visited_ = false;
};

}  // namespace meterlens::esp32cam
