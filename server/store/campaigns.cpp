// Update campaigns.
#include <limits>

#include "server/store/fleet_rows.h"

namespace meterlens::store {
namespace {

using fleet::Campaign;
using fleet::CampaignDevice;
using fleet::CampaignState;
using fleet::StageCount;
using fleet::Turn;
using soci::into;
using soci::use;

constexpr const char* campaign_select =
    "SELECT id, name, image, devices, group_path, label_name, label_value, canaries, steps,"
    " error_percent_max, state, reason, stage, created_ms, updated_ms FROM campaign ";

struct CampaignRow {
  explicit CampaignRow(soci::statement& statement) {
    statement.exchange(into(campaign.id));
    statement.exchange(into(campaign.name));
    statement.exchange(into(campaign.image));
    statement.exchange(into(devices));
    statement.exchange(into(campaign.target.group));
    statement.exchange(into(campaign.target.label_name));
    statement.exchange(into(campaign.target.label_value));
    statement.exchange(into(canaries));
    statement.exchange(into(steps));
    statement.exchange(into(campaign.error_percent_max));
    statement.exchange(into(state));
    statement.exchange(into(campaign.reason));
    statement.exchange(into(campaign.stage));
    statement.exchange(into(campaign.created_ms));
    statement.exchange(into(campaign.updated_ms));
  }
  Campaign take() {
    campaign.target.devices = parted(devices);
    campaign.canaries = parted(canaries);
    campaign.steps = numbers_of<int>(steps);
    campaign.state = named(state, CampaignState::done);
    return campaign;
  }
  Campaign campaign;
  std::string devices, canaries, steps, state;
};

constexpr const char* device_select =
    "SELECT device, stage, update_id, turn, reason FROM campaign_device ";

struct CampaignDeviceRow {
  explicit CampaignDeviceRow(soci::statement& statement) {
    statement.exchange(into(device.device));
    statement.exchange(into(device.stage));
    statement.exchange(into(device.update));
    statement.exchange(into(turn));
    statement.exchange(into(device.reason));
  }
  CampaignDevice take() {
    device.turn = named(turn, Turn::failed);
    return device;
  }
  CampaignDevice device;
  std::string turn;
};

struct StageCountRow {
  explicit StageCountRow(soci::statement& statement) {
    statement.exchange(into(stage));
    statement.exchange(into(turn));
    statement.exchange(into(count));
  }
  StageCountRow take() const { return *this; }
  int stage = 0;
  std::string turn;
  int count = 0;
};

}  // namespace

Result<std::int64_t> Fleet::add_campaign(const Campaign& campaign,
                                         std::span<const CampaignDevice> devices) {
  return store_.engine_->write([&](soci::session& sql) {
    const std::string names = joined(campaign.target.devices), canaries = joined(campaign.canaries);
    const std::string steps = numbers_text(campaign.steps);
    const std::string state = fleet::name(campaign.state);
    std::int64_t id = 0;
    sql << "INSERT INTO campaign (name, image, devices, group_path, label_name, label_value,"
           " canaries, steps, error_percent_max, state, reason, stage, created_ms, updated_ms)"
           " VALUES (:name, :image, :devices, :path, :label, :value, :canaries, :steps, :percent,"
           " :state, '', :stage, :created, :updated) RETURNING id",
        use(campaign.name), use(campaign.image), use(names), use(campaign.target.group),
        use(campaign.target.label_name), use(campaign.target.label_value), use(canaries),
        use(steps), use(campaign.error_percent_max), use(state), use(campaign.stage),
        use(campaign.created_ms), use(campaign.updated_ms), into(id);
    std::string device;
    int stage = 0;
    soci::statement add = (sql.prepare
        << "INSERT INTO campaign_device (campaign, device, stage, update_id, turn, reason)"
           " VALUES (:campaign, :device, :stage, 0, 'waiting', '')",
        use(id), use(device), use(stage));
    for (const CampaignDevice& one : devices) {
      device = one.device;
      stage = one.stage;
      add.execute(true);
    }
    return id;
  });
}

Result<std::vector<Campaign>> Fleet::campaigns(std::int64_t before, int count_max) {
  const std::int64_t least = before == 0 ? std::numeric_limits<std::int64_t>::max() : before;
  return store_.engine_->read([&](soci::session& sql) {
    return select_rows<CampaignRow>(
        sql, std::string(campaign_select) + "WHERE id < :before ORDER BY id DESC LIMIT :count",
        least, count_max);
  });
}

Result<std::vector<Campaign>> Fleet::running_campaigns() {
  return store_.engine_->read([](soci::session& sql) {
    return select_rows<CampaignRow>(
        sql, std::string(campaign_select) +
                 "WHERE state IN ('running', 'paused', 'stopped') ORDER BY id");
  });
}

Result<Campaign> Fleet::campaign(std::int64_t id) {
  return found_or(store_.engine_->read([&](soci::session& sql) {
    return select_first<CampaignRow>(sql, std::string(campaign_select) + "WHERE id = :id", id);
  }), "campaign " + std::to_string(id));
}

Result<void> Fleet::save_campaign(const Campaign& campaign, CampaignState before) {
  const auto done = store_.engine_->write([&](soci::session& sql) {
    const std::string state = fleet::name(campaign.state), expected = fleet::name(before);
    const auto found = select_first<NameRow>(sql, "SELECT state FROM campaign WHERE id = :id",
                                             campaign.id);
    if (!found || *found != expected) return false;
    sql << "UPDATE campaign SET state = :state, reason = :reason, stage = :stage,"
           " error_percent_max = :percent, updated_ms = :updated WHERE id = :id",
        use(state), use(campaign.reason), use(campaign.stage), use(campaign.error_percent_max),
        use(campaign.updated_ms), use(campaign.id);
    return true;
  });
  if (!done) return std::unexpected(done.error());
  if (!*done) return changed_meanwhile("the campaign");
  return {};
}

Result<std::vector<StageCount>> Fleet::campaign_counts(std::int64_t id) {
  return store_.engine_->read([&](soci::session& sql) {
    std::vector<StageCount> out;
    for (const StageCountRow& row : select_rows<StageCountRow>(
             sql, "SELECT stage, turn, count(*) FROM campaign_device WHERE campaign = :id"
                  " GROUP BY stage, turn", id)) {
      const auto stage = static_cast<std::size_t>(row.stage);
      if (out.size() <= stage) out.resize(stage + 1);
      switch (named(row.turn, Turn::failed)) {
        case Turn::waiting: out[stage].waiting = row.count; break;
        case Turn::ordered: out[stage].ordered = row.count; break;
        case Turn::confirmed: out[stage].confirmed = row.count; break;
        case Turn::failed: out[stage].failed = row.count; break;
      }
    }
    return out;
  });
}

Result<std::vector<CampaignDevice>> Fleet::campaign_devices(std::int64_t id,
                                                            const std::string& after,
                                                            int count_max) {
  return store_.engine_->read([&](soci::session& sql) {
    return select_rows<CampaignDeviceRow>(
        sql, std::string(device_select) +
                 "WHERE campaign = :id AND device > :after ORDER BY device LIMIT :count",
        id, after, count_max);
  });
}

Result<std::vector<CampaignDevice>> Fleet::campaign_waiting(std::int64_t id, int stage,
                                                            int count_max) {
  return store_.engine_->read([&](soci::session& sql) {
    return select_rows<CampaignDeviceRow>(
        sql, std::string(device_select) + "WHERE campaign = :id AND stage = :stage"
                                          " AND turn = 'waiting' ORDER BY device LIMIT :count",
        id, stage, count_max);
  });
}

Result<void> Fleet::save_campaign_device(std::int64_t id, const CampaignDevice& device) {
  return store_.engine_->write([&](soci::session& sql) {
    const std::string turn = fleet::name(device.turn);
    sql << "UPDATE campaign_device SET update_id = :update, turn = :turn, reason = :reason"
           " WHERE campaign = :id AND device = :device",
        use(device.update), use(turn), use(device.reason), use(id), use(device.device);
  });
}

Result<std::optional<std::int64_t>> Fleet::known_update(const std::string& device,
                                                        std::int64_t image, std::int64_t since_ms) {
  return store_.engine_->read([&](soci::session& sql) {
    std::optional<std::int64_t> out;
    if (const auto found = select_first<IntegerRow>(
            sql, R"(SELECT id FROM "update" WHERE device = :device AND image = :image)"
                 " AND created_ms >= :since ORDER BY id DESC LIMIT 1", device, image, since_ms))
      out = *found;
    return out;
  });
}

Result<void> Fleet::settle_campaign(std::int64_t id) {
  const auto ended = store_.engine_->read([&](soci::session& sql) {
    return select_first<IntegerRow>(
        sql, R"(SELECT count(*) FROM campaign_device c JOIN "update" u ON u.id = c.update_id)"
             " WHERE c.campaign = :id AND c.turn = 'ordered'"
             " AND u.state IN ('confirmed', 'refused', 'failed')", id);
  });
  if (!ended) return std::unexpected(ended.error());
  if (ended->value_or(0) == 0) return {};
  return store_.engine_->write([&](soci::session& sql) {
    sql << "UPDATE campaign_device SET"
           " reason = (SELECT CASE u.state WHEN 'confirmed' THEN '' ELSE u.state || ': ' ||"
           R"( u.reason END FROM "update" u WHERE u.id = campaign_device.update_id),)"
           " turn = (SELECT CASE u.state WHEN 'confirmed' THEN 'confirmed' ELSE 'failed' END"
           R"( FROM "update" u WHERE u.id = campaign_device.update_id))"
           " WHERE campaign = :id AND turn = 'ordered' AND update_id IN (SELECT id FROM"
           R"( "update" WHERE state IN ('confirmed', 'refused', 'failed')))",
        use(id);
  });
}

}  // namespace meterlens::store
