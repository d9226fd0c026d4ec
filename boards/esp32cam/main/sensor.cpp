#include "sensor.h"

#include <algorithm>

#include "board.h"
#include "boards/esp32cam/portable/crop.h"
#include "driver/gpio.h"
#include "esp_camera.h"
#include "esp_log.h"
#include "esp_psram.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "protocol/settings.h"
#include "tuning.h"

namespace meterlens::esp32cam {
namespace {

constexpr const char* tag = "sensor";
constexpr std::uint32_t stack_bytes = 6'144;
constexpr int priority = 4;  // below the loop, which only exchanges a state with it
// Without PSRAM a frame has to fit the chip's own memory.
constexpr std::int32_t frame_size_without_psram = 2;

MeterlensShot initial_shot() {
  const protocol::SettingValues values(protocol::Part::camera);
  MeterlensShot shot{};
  shot.frame_size = values.get("frame_size");
  shot.jpeg_quality = values.get("jpeg_quality");
  shot.exposure = values.get("exposure");
  shot.gain = values.get("gain");
  shot.gain_ceiling = values.get("gain_ceiling");
  shot.frames_to_drop = values.get("frames_to_drop");
  shot.light = values.get("light");
  shot.light_percent = values.get("light_percent");
  shot.light_lead_ms = values.get("light_lead_ms");
  shot.lamp_pin = -1;
  return shot;
}

std::int32_t largest_frame_size() {
  return esp_psram_is_initialized() ? 5 : frame_size_without_psram;
}

camera_config_t driver_config() {
  const CameraPins& pin = board.camera;
  camera_config_t config{};
  config.pin_pwdn = pin.pwdn;
  config.pin_reset = pin.reset;
  config.pin_xclk = pin.xclk;
  config.pin_sccb_sda = pin.sda;
  config.pin_sccb_scl = pin.scl;
  config.pin_d7 = pin.d7;
  config.pin_d6 = pin.d6;
  config.pin_d5 = pin.d5;
  config.pin_d4 = pin.d4;
  config.pin_d3 = pin.d3;
  config.pin_d2 = pin.d2;
  config.pin_d1 = pin.d1;
  config.pin_d0 = pin.d0;
  config.pin_vsync = pin.vsync;
  config.pin_href = pin.href;
  config.pin_pclk = pin.pclk;
  config.xclk_freq_hz = 20'000'000;
  config.ledc_timer = LEDC_TIMER_0;
  config.ledc_channel = LEDC_CHANNEL_0;
  config.pixel_format = PIXFORMAT_JPEG;
  // The buffer is made for the largest frame; a shot makes it smaller.
  config.frame_size = driver_frame_size(largest_frame_size());
  config.jpeg_quality = 12;
  config.fb_count = 1;
  config.fb_location = esp_psram_is_initialized() ? CAMERA_FB_IN_PSRAM : CAMERA_FB_IN_DRAM;
  config.grab_mode = CAMERA_GRAB_WHEN_EMPTY;
  return config;
}

}  // namespace

Sensor::Sensor(Loop& loop) : loop_(loop), tuned_(initial_shot()), shot_(tuned_) {
  power_down();
  TaskHandle_t task = nullptr;
  const BaseType_t made = xTaskCreate([](void* self) { static_cast<Sensor*>(self)->run(); },
                                      "sensor", stack_bytes, this, priority, &task);
  ESP_ERROR_CHECK(made == pdPASS ? ESP_OK : ESP_ERR_NO_MEM);
  task_ = task;
}

MeterlensSensor Sensor::port() {
  MeterlensSensor port{};
  port.context = this;
  port.tune = [](void* self, const MeterlensShot* shot) {
    return static_cast<Sensor*>(self)->tune(*shot);
  };
  port.start = [](void* self) { return static_cast<Sensor*>(self)->start(); };
  port.poll = [](void* self, const std::uint8_t** jpeg, std::uint32_t* bytes) {
    return static_cast<Sensor*>(self)->poll(jpeg, bytes);
  };
  port.release = [](void* self) { static_cast<Sensor*>(self)->release(); };
  return port;
}

bool Sensor::tune(const MeterlensShot& shot) {
  if (!frame_size(shot.frame_size) || shot.frame_size > largest_frame_size() ||
      !Light::allows(shot))
    return false;
  const std::lock_guard lock(tuned_mutex_);
  tuned_ = shot;
  return true;
}

// A shot that was given up is not in the way: the next one follows it.
bool Sensor::start() {
  State abandoned = State::abandoned;
  if (state_.compare_exchange_strong(abandoned, State::again)) return true;
  State idle = State::idle;
  if (!state_.compare_exchange_strong(idle, State::shooting)) return false;
  xTaskNotifyGive(static_cast<TaskHandle_t>(task_));
  return true;
}

int Sensor::poll(const std::uint8_t** jpeg, std::uint32_t* bytes) {
  switch (state_.load()) {
    case State::ready: {
      const auto* frame = static_cast<const camera_fb_t*>(frame_);
      *jpeg = frame->buf;
      *bytes = static_cast<std::uint32_t>(frame->len);
      return 1;
    }
    case State::failed: return -1;
    default: return 0;
  }
}

// Given up while the driver still waits for a frame: the task tidies up.
void Sensor::release() {
  State state = state_;
  while (state == State::shooting || state == State::again)
    if (state_.compare_exchange_weak(state, State::abandoned)) return;
  if (state == State::ready) esp_camera_fb_return(static_cast<camera_fb_t*>(frame_));
  if (state == State::ready || state == State::failed) state_ = State::idle;
}

void Sensor::run() {
  for (;;) {
    const TickType_t wait = is_on_ ? pdMS_TO_TICKS(stay_on_ms) : portMAX_DELAY;
    const bool called = ulTaskNotifyTake(pdTRUE, wait) != 0;
    const State state = state_;
    if (state == State::shooting || state == State::abandoned || state == State::again)
      while (shoot()) continue;
    else if (!called && state == State::idle)
      power_down();
  }
}

bool Sensor::shoot() {
  {
    const std::lock_guard lock(tuned_mutex_);
    shot_ = tuned_;
  }
  frame_ = power_up() ? take_frame() : nullptr;
  light_.off();
  // A sensor that gave nothing begins anew with the next shot.
  if (frame_ == nullptr) power_down();
  State shooting = State::shooting;
  const State result = frame_ != nullptr ? State::ready : State::failed;
  const bool is_wanted = state_.compare_exchange_strong(shooting, result);
  const bool follows = !is_wanted && tidy_up();
  loop_.wake();
  return follows;
}

bool Sensor::tidy_up() {
  if (frame_ != nullptr) esp_camera_fb_return(static_cast<camera_fb_t*>(frame_));
  for (;;) {
    State abandoned = State::abandoned, again = State::again;
    if (state_.compare_exchange_strong(abandoned, State::idle)) return false;
    if (state_.compare_exchange_strong(again, State::shooting)) return true;
  }
}

bool Sensor::power_up() {
  if (is_on_) return true;
  const camera_config_t config = driver_config();
  const esp_err_t error = esp_camera_init(&config);
  if (error != ESP_OK) ESP_LOGE(tag, "does not answer: %s", esp_err_to_name(error));
  is_on_ = error == ESP_OK;
  return is_on_;
}

void Sensor::power_down() {
  if (is_on_) esp_camera_deinit();
  is_on_ = false;
  if (board.camera.pwdn < 0) return;
  const auto pin = static_cast<gpio_num_t>(board.camera.pwdn);
  gpio_set_direction(pin, GPIO_MODE_OUTPUT);
  gpio_set_level(pin, 1);
  gpio_hold_dis(pin);  // deep sleep held it
}

void* Sensor::take_frame() {
  tune_driver(*esp_camera_sensor_get(), shot_);
  light_.on(shot_);
  vTaskDelay(pdMS_TO_TICKS(std::max<std::int32_t>(shot_.light_lead_ms, 0)));
  // One more than asked for: the driver fills its buffer ahead, before the light was on.
  for (std::int32_t dropped = 0; dropped <= shot_.frames_to_drop; ++dropped) {
    camera_fb_t* frame = esp_camera_fb_get();
    if (frame == nullptr || state_ != State::shooting) return frame;
    esp_camera_fb_return(frame);
  }
  return esp_camera_fb_get();
}

}  // namespace meterlens::esp32cam
