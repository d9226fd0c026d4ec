#include "kept_setup.h"

#include <array>
#include <cstring>

#include "esp_mac.h"
#include "esp_random.h"
#include "nvs.h"
#include "nvs_flash.h"

namespace meterlens::esp32cam {
namespace {

constexpr const char* space = "meterlens";
// Without letters and digits that look alike.
constexpr std::string_view alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
constexpr std::size_t password_chars = 10;

class Nvs {
 public:
  explicit Nvs(nvs_open_mode_t mode) : is_open_(nvs_open(space, mode, &handle_) == ESP_OK) {}
  Nvs(const Nvs&) = delete;
  Nvs& operator=(const Nvs&) = delete;
  ~Nvs() {
    if (is_open_) nvs_close(handle_);
  }

  template <std::size_t N>
  bool read(const char* key, at::Text<N>& out) const {
    std::array<char, N + 1> text;
    std::size_t count = text.size();
    if (!is_open_ || nvs_get_str(handle_, key, text.data(), &count) != ESP_OK) return false;
    out.set(text.data());
    return true;
  }
  bool write(const char* key, std::string_view value) {
    std::array<char, broker_chars_max + 1> text{};
    if (!is_open_ || value.size() >= text.size()) return false;
    std::memcpy(text.data(), value.data(), value.size());
    return nvs_set_str(handle_, key, text.data()) == ESP_OK;
  }
  bool commit() { return is_open_ && nvs_commit(handle_) == ESP_OK; }

 private:
  nvs_handle_t handle_ = 0;
  bool is_open_;
};

}  // namespace

DeviceName name_of_chip() {
  std::array<std::uint8_t, 6> address{};
  esp_efuse_mac_get_default(address.data());
  DeviceName name;
  name.set("meterlens-");
  for (std::size_t i = 3; i < address.size(); ++i) {
    const char digits[] = {"0123456789abcdef"[address[i] >> 4],
                           "0123456789abcdef"[address[i] & 15]};
    name.add({digits, 2});
  }
  return name;
}

void begin_nvs() {
  const esp_err_t error = nvs_flash_init();
  if (error == ESP_OK) return;
  ESP_ERROR_CHECK(error == ESP_ERR_NVS_NO_FREE_PAGES || error == ESP_ERR_NVS_NEW_VERSION_FOUND
                      ? nvs_flash_erase()
                      : error);
  ESP_ERROR_CHECK(nvs_flash_init());
}

std::optional<Setup> load_setup() {
  const Nvs nvs(NVS_READONLY);
  Setup setup;
  if (!nvs.read("ssid", setup.ssid) || !nvs.read("wifi_password", setup.wifi_password) ||
      !nvs.read("broker", setup.broker) || !nvs.read("device", setup.device) ||
      check(setup) != Flaw::none)
    return std::nullopt;
  return setup;
}

bool save_setup(const Setup& setup) {
  Nvs nvs(NVS_READWRITE);
  return nvs.write("ssid", setup.ssid.view()) &&
         nvs.write("wifi_password", setup.wifi_password.view()) &&
         nvs.write("broker", setup.broker.view()) && nvs.write("device", setup.device.view()) &&
         nvs.commit();
}

at::Text<16> setup_password() {
  Nvs nvs(NVS_READWRITE);
  at::Text<16> password;
  if (nvs.read("page_password", password) && password.view().size() == password_chars)
    return password;
  password.set({});
  while (password.view().size() < password_chars) {
    const std::uint32_t chance = esp_random() >> 27;  // 0 to 31
    if (chance < alphabet.size()) password.add(alphabet.substr(chance, 1));
  }
  nvs.write("page_password", password.view());
  nvs.commit();
  return password;
}

}  // namespace meterlens::esp32cam
