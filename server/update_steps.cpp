// What the pipeline's thread does for remote updates.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "server/remote.h"
#include "server/steps.h"

namespace meterlens::server {

using update::Update;

void Pipeline::Steps::take_up_updates() {
  const auto open = store.open_updates();
  if (!open) {
    spdlog::error(fmt::format("updates from before cannot be taken up: {}", open.error().message));
    return;
  }
  for (const Update& update : *open) {
    if (updates.has_open(update.device)) continue;
    updates.add(update, now_ms);
    if (const Registry::Entry* device = registry.find(update.device))
      updates.set_link(update.device, device->link);
  }
}

void Pipeline::Steps::settle_updates() {
  updates.tick(now_ms);
  update::SenderOutput output = updates.take();
  for (update::Message& message : output.messages) {
    const Registry::Entry* device = registry.find(message.device);
    if (device == nullptr) continue;
    publish(topic_of(device->row, protocol::Channel::down), std::move(message.frame), 1);
  }
  for (Update& update : output.changed) {
    if (update.state == update::State::refused || update.state == update::State::failed)
      spdlog::warn(fmt::format("device {}: update {} to version {} of the {} has ended: {} {}",
                               update.device, update.id, update.version, name(update.part),
                               update::name(update.state), update.reason));
    unsaved_updates.push_back(std::move(update));
  }
  std::size_t saved = 0;
  for (; committer.good() && saved < unsaved_updates.size(); ++saved) {
    const Update& update = unsaved_updates[saved];
    if (const auto done = store.save_update(update); !done) {
      committer.fail(done.error().message, now_ms);
      break;
    }
    on_change({Change::Kind::update, update.device, update.id});
  }
  unsaved_updates.erase(unsaved_updates.begin(),
                        unsaved_updates.begin() + static_cast<std::ptrdiff_t>(saved));
}

std::expected<Update, UpdateError> Pipeline::Steps::update(const std::string& device,
                                                           std::int64_t image) {
  if (remote != nullptr) return remote->update(device, image);
  const Registry::Entry* known = registry.find(device);
  if (known == nullptr) return std::unexpected(UpdateError::unknown_device);
  if (known->row.dialect != protocol::Dialect::native)
    return std::unexpected(UpdateError::not_native);
  if (fleet.is_disabled(device)) return std::unexpected(UpdateError::disabled);
  if (updates.has_open(device)) return std::unexpected(UpdateError::update_open);
  const auto stored = store.image(image);
  if (!stored)
    return std::unexpected(stored.error().code == store::ErrorCode::not_found
                               ? UpdateError::unknown_image
                               : UpdateError::store);
  if (!committer.good()) return std::unexpected(UpdateError::store);
  Update update;
  update.device = device;
  update.image = image;
  update.part = stored->part;
  update.version = stored->version;
  update.packets_total = static_cast<int>(protocol::packet_count(stored->image_bytes));
  update.created_ms = update.updated_ms = now_ms;
  const auto id = store.add_update(update);
  if (!id) {
    committer.fail(id.error().message, now_ms);
    return std::unexpected(UpdateError::store);
  }
  update.id = *id;
  metrics.add(metrics::Count::updates_created);
  updates.add(update, now_ms);
  updates.set_link(device, known->link);
  on_change({Change::Kind::update, device, update.id});
  return update;
}

}  // namespace meterlens::server
