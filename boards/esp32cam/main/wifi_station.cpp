#include "wifi_station.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "board.h"
#include "driver/gpio.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "esp_netif_sntp.h"
#include "esp_wifi.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "kept_setup.h"

namespace meterlens::esp32cam {
namespace {

constexpr const char* tag = "wifi";
constexpr std::uint32_t stack_bytes = 4'096;
constexpr int priority = 3;
constexpr TickType_t step_ticks = pdMS_TO_TICKS(500);
constexpr std::uint64_t look_period_ms = 5'000;
constexpr std::uint16_t found_count_max = 16;

template <std::size_t N>
void copy(std::string_view text, std::uint8_t (&out)[N]) {
  std::memcpy(out, text.data(), std::min(text.size(), N));
}

// WPA2 with the password that is on the log and the label; one device at a time.
wifi_config_t setup_network() {
  wifi_config_t config{};
  const DeviceName name = name_of_chip();
  copy(name.view(), config.ap.ssid);
  config.ap.ssid_len = static_cast<std::uint8_t>(name.view().size());
  const at::Text<16> password = setup_password();
  copy(password.view(), config.ap.password);
  config.ap.channel = 1;
  config.ap.authmode = WIFI_AUTH_WPA2_PSK;
  config.ap.max_connection = 2;
  config.ap.pmf_cfg.capable = true;
  // The one secret that is printed: without it nobody could set the device up.
  ESP_LOGI(tag, "set-up network %.*s, password %.*s", static_cast<int>(name.view().size()),
           name.view().data(), static_cast<int>(password.view().size()), password.view().data());
  return config;
}

wifi_config_t home_network(const Setup& setup) {
  wifi_config_t config{};
  copy(setup.ssid.view(), config.sta.ssid);
  copy(setup.wifi_password.view(), config.sta.password);
  config.sta.threshold.authmode = setup.wifi_password.empty() ? WIFI_AUTH_OPEN : WIFI_AUTH_WPA2_PSK;
  config.sta.scan_method = WIFI_ALL_CHANNEL_SCAN;
  config.sta.sort_method = WIFI_CONNECT_AP_BY_SIGNAL;
  config.sta.pmf_cfg.capable = true;
  return config;
}

AccessPoint point_of(const wifi_ap_record_t& record) {
  AccessPoint point;
  std::copy_n(record.bssid, point.bssid.size(), point.bssid.begin());
  point.dbm = record.rssi;
  return point;
}

bool button_is_down() {
  return board.button >= 0 && gpio_get_level(static_cast<gpio_num_t>(board.button)) == 0;
}

void begin_button() {
  if (board.button < 0) return;
  gpio_config_t config{};
  config.pin_bit_mask = std::uint64_t{1} << board.button;
  config.mode = GPIO_MODE_INPUT;
  config.pull_up_en = GPIO_PULLUP_ENABLE;
  gpio_config(&config);
}

}  // namespace

WifiStation::WifiStation(Loop& loop, const std::optional<Setup>& setup)
    : loop_(loop), setup_(setup), door_(setup.has_value(), uptime_ms()), page_(setup) {
  begin_button();
  ESP_ERROR_CHECK(esp_netif_init());
  ESP_ERROR_CHECK(esp_event_loop_create_default());
  esp_netif_create_default_wifi_sta();
  esp_netif_create_default_wifi_ap();
  const wifi_init_config_t init = WIFI_INIT_CONFIG_DEFAULT();
  ESP_ERROR_CHECK(esp_wifi_init(&init));
  // The set-up is kept by us, in one place.
  ESP_ERROR_CHECK(esp_wifi_set_storage(WIFI_STORAGE_RAM));
  esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, hear, this);
  esp_event_handler_register(IP_EVENT, IP_EVENT_STA_GOT_IP, hear, this);
  ESP_ERROR_CHECK(esp_wifi_set_mode(WIFI_MODE_STA));
  if (setup_) use(nullptr);
  ESP_ERROR_CHECK(esp_wifi_start());
  esp_wifi_set_ps(WIFI_PS_MIN_MODEM);
  esp_sntp_config_t clock = ESP_NETIF_SNTP_DEFAULT_CONFIG("pool.ntp.org");
  ESP_ERROR_CHECK(esp_netif_sntp_init(&clock));
  TaskHandle_t task = nullptr;
  const BaseType_t made = xTaskCreate([](void* self) { static_cast<WifiStation*>(self)->run(); },
                                      "wifi_plan", stack_bytes, this, priority, &task);
  ESP_ERROR_CHECK(made == pdPASS ? ESP_OK : ESP_ERR_NO_MEM);
  task_ = task;
}

// In the event loop's task: only notes what happened. The station's task looks twice a second.
void WifiStation::hear(void* self, esp_event_base_t base, std::int32_t id, void*) {
  auto& station = *static_cast<WifiStation*>(self);
  if (base == IP_EVENT) {
    station.connected_ = true;
    station.loop_.wake();
  } else if (id == WIFI_EVENT_STA_DISCONNECTED) {
    station.connected_ = false;
    station.lost_ = true;
    station.loop_.wake();
  } else if (id == WIFI_EVENT_SCAN_DONE) {
    station.scan_ended_ = true;
  }
}

void WifiStation::run() {
  for (;;) {
    step(uptime_ms());
    vTaskDelay(step_ticks);
  }
}

void WifiStation::step(std::uint64_t now_ms) {
  if (lost_.exchange(false)) {
    connecting_ = false;
    if (moving_) {
      moving_ = false;  // our own farewell: the better one is tried at once
    } else if (setup_) {
      // Tied to one access point that is gone, it would never come back.
      use(nullptr);
      attempts_.failed(now_ms);
    }
  }
  if (connected_) {
    if (connecting_) attempts_.succeeded();
    connecting_ = false;
    look_around(now_ms);
  } else if (setup_ && !connecting_ && now_ms >= attempts_.due_ms()) {
    connect();
  }
  tend_door(now_ms);
}

void WifiStation::connect() {
  // Refused while the driver scans: the next step tries again.
  connecting_ = esp_wifi_connect() == ESP_OK;
}

void WifiStation::use(const AccessPoint* point) {
  wifi_config_t config = home_network(*setup_);
  config.sta.bssid_set = point != nullptr;
  if (point != nullptr) std::ranges::copy(point->bssid, config.sta.bssid);
  esp_wifi_set_config(WIFI_IF_STA, &config);
}

void WifiStation::look_around(std::uint64_t now_ms) {
  if (scan_ended_.exchange(false) && scanning_) return end_scan(now_ms);
  if (now_ms < look_due_ms_ || scanning_ || page_.is_open()) return;
  look_due_ms_ = now_ms + look_period_ms;
  int dbm = 0;
  if (esp_wifi_sta_get_rssi(&dbm) != ESP_OK) return;
  if (!roaming_.look(static_cast<std::int8_t>(std::clamp(dbm, -128, 0)), now_ms)) return;
  std::array<std::uint8_t, 33> ssid{};
  const std::string_view name = setup_->ssid.view();
  std::ranges::copy(name, ssid.begin());
  wifi_scan_config_t scan{};
  scan.ssid = ssid.data();
  scanning_ = esp_wifi_scan_start(&scan, false) == ESP_OK;
}

void WifiStation::end_scan(std::uint64_t now_ms) {
  scanning_ = false;
  static std::array<wifi_ap_record_t, found_count_max> records;
  std::uint16_t count = found_count_max;
  wifi_ap_record_t current{};
  if (esp_wifi_scan_get_ap_records(&count, records.data()) != ESP_OK ||
      esp_wifi_sta_get_ap_info(&current) != ESP_OK)
    return;
  std::array<AccessPoint, found_count_max> found;
  std::transform(records.begin(), records.begin() + count, found.begin(), point_of);
  const auto better = roaming_.choose(point_of(current), std::span(found).first(count), now_ms);
  if (!better) return;
  ESP_LOGI(tag, "moves to an access point at %d dBm", better->dbm);
  moving_ = true;
  esp_wifi_disconnect();
  use(&*better);
}

void WifiStation::tend_door(std::uint64_t now_ms) {
  if (page_.was_visited()) door_.visited(now_ms);
  const bool open = door_.open(connected_, button_is_down(), now_ms);
  if (open == page_.is_open()) return;
  if (open) {
    wifi_config_t config = setup_network();
    esp_wifi_set_mode(WIFI_MODE_APSTA);
    esp_wifi_set_config(WIFI_IF_AP, &config);
    page_.open();
  } else {
    page_.close();
    esp_wifi_set_mode(WIFI_MODE_STA);
  }
}

}  // namespace meterlens::esp32cam
