// What anybody may send to the API: through the doorkeeper and all routes, over a store with a
// little of everything. An input is "METHOD PATH?QUERY", a line with the If-Match (after a ~: asked
// by somebody limited to a group), and the body. Whatever comes, the answer is whole: no crash,
// never 500, JSON where it says so.
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "protocol/require.h"
#include "server/api/doorkeeper.h"
#include "server/api/routes.h"
#include "server/door/secret.h"
#include "server/fleet/tags.h"
#include "server/store/access.h"
#include "server/store/fleet.h"

namespace {

using namespace meterlens;
using protocol::require;
namespace fs = std::filesystem;

// Rows that inputs have added would slow the others down.
constexpr int inputs_max = 5000;
constexpr const char* cookie = "a-session-of-the-limited-one";

class World {
 public:
  World() : folder_(made()) {
    store_ = *store::Store::open((folder_ / "a.db").string());
    fill();
    for (const bool required : {false, true}) {
      api::Settings settings;
      settings.doors.required = required;
      settings.photo_folders = {folder_.string()};
      settings.upload_bytes_max = 65'536;
      houses_.push_back(std::make_unique<House>(settings, *store_, metrics_, doors_));
    }
  }
  ~World() {
    houses_.clear();
    store_.reset();
    fs::remove_all(folder_);
  }

  // `limited`: asked by somebody who may see one group of meters.
  api::Response answer(api::Request request, bool limited) {
    House& house = *houses_[limited ? 1 : 0];
    request.host = "localhost";
    request.address = "127.0.0.1";
    if (limited) {
      request.cookie = std::string("meterlens_session=") + cookie;
      request.has_own_header = true;
    }
    return house.keeper.answer(
        request, [&](const api::Request& one) { return house.routes.answer(one, false); },
        [&](const api::Request& one) { return house.routes.dispatch(one); });
  }

 private:
  struct House {
    House(const api::Settings& settings, store::Store& store, metrics::Metrics& metrics,
          const api::Doors& doors)
        : routes(settings, store, metrics, doors, [](api::Subject, const std::string&) {}),
          keeper(settings, store, metrics, doors) {}
    api::Routes routes;
    api::Doorkeeper keeper;
  };

  static fs::path made() {
    const fs::path memory = "/dev/shm";
    std::string name = ((fs::exists(memory) ? memory : fs::temp_directory_path()) /
                        "meterlens-api-fuzz-XXXXXX").string();
    require(mkdtemp(name.data()) != nullptr);
    return name;
  }

  void fill() {
    for (const auto& [id, dialect] : {std::pair{"m1", protocol::Dialect::native},
                                      std::pair{"s1", protocol::Dialect::smartdtu}}) {
      store::Device device;
      device.id = id;
      device.dialect = dialect;
      require(store_->save_device(device) && store_->watched(id, 1));
    }
    photo::Photo photo;
    photo.device = "m1";
    photo.photo_id = 1;
    photo.path = (folder_ / "1.jpg").string();
    require(store_->add_photos({&photo, 1}).has_value());
    validate::Reading reading;
    reading.meter = reading.device = "m1";
    reading.photo = 1;
    reading.at_ms = 1'700'000'000'000;
    reading.status = "read";
    reading.digits = "00195419";
    reading.certain = 8;
    reading.value = "195.419";
    reading.red = 3;
    reading.verdict = validate::Verdict::accepted;
    require(store_->add_reading(reading).has_value());
    update::Image image;
    image.board = "esp32cam";
    image.version = 7;
    require(store_->add_image(image).has_value());
    command::Command command;
    command.device = "m1";
    require(store_->add_command(command).has_value());
    store::Fleet rows(*store_);
    require(rows.save_tags(fleet::Kind::meter, "m1", {"north", {}, 0}).has_value());
    add_people();
    set_doors();
  }

  void add_people() {
    store::Access access(*store_);
    const door::User limited{"north", door::Role::operator_, {"north"}, "x", false, 1, 1};
    const door::User first{"admin", door::Role::administrator, {}, "x", false, 1, 1};
    require(access.add_user(limited) && access.add_user(first));
    const std::int64_t now = 4'000'000'000'000;  // it stays young
    require(access.add_session({door::hash_token(cookie), "north", "", now, now}).has_value());
  }

  void set_doors() {
    using api::CaptureError;
    doors_.capture =
        [this](const std::string& device) -> std::expected<command::Command, CaptureError> {
      if (!store_->device(device)) return std::unexpected(CaptureError{{}, "unknown"});
      return *store_->command(1);
    };
    doors_.upload = [](photo::Photo photo) -> std::expected<server::Uploaded, CaptureError> {
      return server::Uploaded{std::move(photo), true};
    };
    doors_.schedules_changed = [] {};
    doors_.add_image = [](std::span<const std::uint8_t>) {
      return std::unexpected(server::ImageError{server::ImageErrorCode::not_an_image, "no image"});
    };
    doors_.update = [](const std::string&, std::int64_t) {
      return std::unexpected(server::UpdateError::unknown_image);
    };
    doors_.change_settings = [](const std::string& device, protocol::Part part,
                                std::vector<std::uint8_t> entries) {
      return command::WishedSettings{device, part, 1, 0, std::move(entries), {}};
    };
    doors_.aim = [](const std::string&, const protocol::Aim&) {
      return std::expected<void, CaptureError>();
    };
    doors_.view = [](const std::string&) { return std::nullopt; };
    doors_.order = [](const fleet::Order&) -> std::expected<std::int64_t, fleet::OrderError> {
      return std::unexpected(fleet::OrderError::unknown_device);
    };
    doors_.broker_connected = [] { return true; };
    doors_.reader_state = [] { return std::string("ok"); };
    doors_.storage_fault = [] { return std::string(); };
    doors_.meter_groups = [](const std::string& meter) {
      return meter == "m1" ? std::vector<std::string>{"north"} : std::vector<std::string>{};
    };
  }

  const fs::path folder_;
  metrics::Metrics metrics_;
  std::unique_ptr<store::Store> store_;
  api::Doors doors_;
  std::vector<std::unique_ptr<House>> houses_;
};

std::string_view line(std::string_view& text) {
  const auto out = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(out.size() + 1, text.size()));
  return out;
}

// A path or a header has no control characters by the time it comes here.
std::string plain(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '_';
  return out;
}

void judge(const api::Response& response) {
  require(response.status >= 200 && response.status < 600 && response.status != 500);
  if (response.content_type == "application/json")
    require(nlohmann::json::accept(response.body));
  for (const auto& [name, value] : response.headers)
    require(name.find('\n') == std::string::npos && value.find('\n') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::unique_ptr<World> world;
  static int inputs = 0;
  if (!world || ++inputs % inputs_max == 0) {
    world.reset();
    world = std::make_unique<World>();
  }
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::string_view first = line(rest);
  api::Request request;
  request.method = first.substr(0, first.find(' '));
  first.remove_prefix(std::min(request.method.size() + 1, first.size()));
  const std::string target = plain(first);
  request.path = target.substr(0, target.find('?'));
  if (request.path.size() < target.size()) request.query = target.substr(request.path.size() + 1);
  std::string headers = plain(line(rest));
  const bool limited = headers.starts_with('~');
  request.if_match = limited ? headers.substr(1) : headers;
  request.body = rest;
  api::Response response = world->answer(request, limited);
  // Hashing a password takes long by intent; what comes before it has been judged.
  const bool hashes =
      request.method != "PATCH" || request.body.find("password") != std::string::npos;
  if (response.later && !hashes) response = response.later();
  if (!response.later) judge(response);
  return 0;
}
