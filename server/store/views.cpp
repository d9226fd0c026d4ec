// Devices with the newest of each, for lists: a few queries a page, however many devices it has.
#include <unordered_map>

#include "server/store/view_rows.h"

namespace meterlens::store {
namespace {

using soci::into;

// A device's row beside its group and its switch.
std::string select_devices(const ViewParts& parts) {
  std::string text = "SELECT a.id, a.dialect, a.product, a.online, a.firmware, a.remark, ";
  text += parts.said ? "a.state_json, a.health_json" : "'', ''";
  text += ", a.first_seen_ms, a.last_seen_ms, coalesce(t.group_path, ''), coalesce(t.version, 0),"
          " coalesce(c.enabled, 1), coalesce(c.changed_ms, 0), coalesce(c.dropped, 0)"
          " FROM device a LEFT JOIN tag t ON t.kind = 'device' AND t.id = a.id"
          " LEFT JOIN device_switch c ON c.device = a.id";
  return text;
}

struct ViewRow {
  explicit ViewRow(soci::statement& statement) {
    statement.exchange(into(view.device.id));
    statement.exchange(into(dialect));
    statement.exchange(into(view.device.product));
    statement.exchange(into(online));
    statement.exchange(into(view.device.firmware));
    statement.exchange(into(view.device.remark));
    statement.exchange(into(view.device.state_json));
    statement.exchange(into(view.device.health_json));
    statement.exchange(into(view.device.first_seen_ms));
    statement.exchange(into(view.device.last_seen_ms));
    statement.exchange(into(view.tags.group));
    statement.exchange(into(view.tags.version));
    statement.exchange(into(enabled));
    statement.exchange(into(view.state.changed_ms));
    statement.exchange(into(view.state.dropped));
  }
  DeviceView take() {
    view.device.dialect = dialect == protocol::name(protocol::Dialect::smartdtu)
                              ? protocol::Dialect::smartdtu
                              : protocol::Dialect::native;
    view.device.online = online != 0;
    view.state.enabled = enabled != 0;
    return view;
  }
  DeviceView view;
  std::string dialect;
  int online = 0, enabled = 1;
};

struct DeviceLabelRow {
  explicit DeviceLabelRow(soci::statement& statement) {
    statement.exchange(into(device));
    statement.exchange(into(name));
    statement.exchange(into(value));
  }
  DeviceLabelRow take() const { return *this; }
  std::string device, name, value;
};

struct WatchedRow {
  explicit WatchedRow(soci::statement& statement) {
    statement.exchange(into(device));
    statement.exchange(into(meter));
  }
  std::pair<std::string, std::string> take() const { return {device, meter}; }
  std::string device, meter;
};

// The views of a page by the names of their devices.
class ViewPage {
  template <class Row>
  auto rows(const std::string& text) {
    return select_of<Row>(sql_, text, names_);
  }

 public:
  ViewPage(soci::session& sql, std::vector<DeviceView>& views) : sql_(sql) {
    for (DeviceView& view : views) {
      names_.push_back(view.device.id);
      views_.emplace(view.device.id, &view);
    }
  }

  void add_labels() {
    for (auto& [device, name, value] : rows<DeviceLabelRow>(
             "SELECT id, name, value FROM label WHERE kind = 'device' AND id IN (?)"))
      views_.at(device)->tags.labels[name] = value;
  }

  void add_photos() {
    for (photo::Photo& photo : newest_photos(sql_, names_))
      views_.at(photo.device)->newest_photo = std::move(photo);
  }

  void add_readings() {
    std::unordered_map<std::string, std::string> meter_of;
    for (auto& [device, meter] : rows<WatchedRow>(
             "SELECT w.device, w.meter FROM watch w JOIN watch_version v ON v.version = w.version"
             " WHERE v.to_ms = 0 AND w.device IN (?) ORDER BY w.id"))
      meter_of.emplace(device, meter);
    // Several devices may watch one meter.
    std::unordered_map<std::string, Names> devices_of;
    for (const std::string& name : names_)
      devices_of[meter_of.try_emplace(name, name).first->second].push_back(name);
    Names meters;
    for (const auto& [meter, devices] : devices_of) meters.push_back(meter);
    for (const validate::Reading& reading : newest_readings(sql_, meters))
      for (const std::string& device : devices_of.at(reading.meter))
        views_.at(device)->newest_reading = reading;
  }

  void add_commands() {
    for (command::Command& command : open_commands_of(sql_, names_)) {
      auto& active = views_.at(command.device)->active_command;
      if (!active) active = std::move(command);
    }
  }

 private:
  soci::session& sql_;
  Names names_;
  std::unordered_map<std::string, DeviceView*> views_;
};

void add_parts(soci::session& sql, const ViewParts& parts, std::vector<DeviceView>& views) {
  ViewPage page(sql, views);
  if (parts.labels) page.add_labels();
  if (parts.newest_photo) page.add_photos();
  if (parts.newest_reading) page.add_readings();
  if (parts.active_command) page.add_commands();
}

}  // namespace

Result<std::vector<DeviceView>> Fleet::views(const DeviceFilter& filter, const ViewParts& parts) {
  const Where where = where_of(filter);
  return store_.engine_->read([&](soci::session& sql) {
    auto views = where.select<ViewRow>(sql, select_devices(parts),
                                       " ORDER BY a.id LIMIT " + std::to_string(filter.count_max));
    add_parts(sql, parts, views);
    return views;
  });
}

Result<DeviceView> Fleet::view(const std::string& device) {
  return found_or(store_.engine_->read([&](soci::session& sql) -> std::optional<DeviceView> {
    auto views = select_rows<ViewRow>(sql, select_devices({}) + " WHERE a.id = :id", device);
    if (views.empty()) return {};
    add_parts(sql, {}, views);
    return std::move(views.front());
  }), "device " + device);
}

}  // namespace meterlens::store
