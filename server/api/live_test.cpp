#include "server/api/live.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "server/api/http.h"
#include "server/api/raw_client.h"

namespace meterlens::api {
namespace {

// What a stream was given; shared with the test, as Live owns the stream.
struct Record {
  std::mutex mutex;
  std::condition_variable changed;
  std::string text;
  std::size_t pending_bytes = 0;
  bool keeps_all = false;  // takes nothing off the pending bytes
  bool broken = false;
  bool closed = false;

  bool waits_for(const std::function<bool()>& what) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), what);
  }
};

class RecordingStream final : public Stream {
 public:
  explicit RecordingStream(std::shared_ptr<Record> record) : record_(std::move(record)) {}
  void send(std::shared_ptr<const std::string> text) override {
    const std::lock_guard lock(record_->mutex);
    record_->text += *text;
    if (record_->keeps_all) record_->pending_bytes += text->size();
    record_->changed.notify_all();
  }
  std::size_t pending_bytes() const override {
    const std::lock_guard lock(record_->mutex);
    return record_->pending_bytes;
  }
  bool is_broken() const override {
    const std::lock_guard lock(record_->mutex);
    return record_->broken;
  }
  void close() override {
    const std::lock_guard lock(record_->mutex);
    record_->closed = true;
    record_->changed.notify_all();
  }

 private:
  std::shared_ptr<Record> record_;
};

std::shared_ptr<Record> add_to(Live& live) {
  auto record = std::make_shared<Record>();
  live.add(std::make_unique<RecordingStream>(record));
  return record;
}

std::optional<std::string> echo(Subject, const std::string& id) { return "{" + id + "}"; }

bool has(const Record& record, const char* words) {
  return record.text.find(words) != std::string::npos;
}

TEST(Live, TellsAllInOrder) {
  Live live(echo, {});
  const auto one = add_to(live);
  const auto two = add_to(live);
  live.changed(Subject::command, "7");
  live.changed(Subject::photo, "8");
  for (const auto& record : {one, two}) {
    ASSERT_TRUE(record->waits_for([&] { return has(*record, "photo"); }));
    EXPECT_EQ(record->text.substr(record->text.find("event")),
              "event: command\ndata: {7}\n\nevent: photo\ndata: {8}\n\n");
  }
}

TEST(Live, JoinsChangesOfTheSameThing) {
  std::promise<void> first_asked;
  std::promise<void> go_on;
  std::shared_future<void> may_go_on(go_on.get_future());
  int asked = 0;
  Live live([&](Subject subject, const std::string& id) {
    if (++asked == 1) {
      first_asked.set_value();
      may_go_on.wait();
    }
    return echo(subject, id);
  }, {});
  const auto record = add_to(live);
  live.changed(Subject::command, "1");
  first_asked.get_future().wait();
  for (int i = 0; i < 100; ++i) live.changed(Subject::command, "2");
  live.changed(Subject::command, "3");
  go_on.set_value();
  ASSERT_TRUE(record->waits_for([&] { return has(*record, "{3}"); }));
  EXPECT_EQ(asked, 3);
}

TEST(Live, DropsAClientThatDoesNotRead) {
  Live live(echo, {.pending_bytes_max = 100});
  const auto slow = std::make_shared<Record>();
  slow->keeps_all = true;
  live.add(std::make_unique<RecordingStream>(slow));
  const auto quick = add_to(live);
  for (int i = 0; i < 10; ++i) live.changed(Subject::photo, std::to_string(i));
  ASSERT_TRUE(quick->waits_for([&] { return has(*quick, "{9}"); }));
  EXPECT_TRUE(slow->closed);
  EXPECT_LE(slow->text.size(), 100U);
  EXPECT_EQ(live.count(), 1);
}

TEST(Live, DropsABrokenClientAtTheNextHeartbeat) {
  Live live(echo, {.heartbeat_ms = 10});
  const auto record = add_to(live);
  ASSERT_TRUE(record->waits_for([&] { return has(*record, "still here"); }));
  {
    const std::lock_guard lock(record->mutex);
    record->broken = true;
  }
  EXPECT_TRUE(record->waits_for([&] { return record->closed; }));
}

TEST(Live, DropsAllWhenChangesComeTooFastToTell) {
  std::promise<void> asked;
  std::promise<void> go_on;
  std::shared_future<void> may_go_on(go_on.get_future());
  bool first = true;
  Live live([&](Subject subject, const std::string& id) {
    if (std::exchange(first, false)) {
      asked.set_value();
      may_go_on.wait();
    }
    return echo(subject, id);
  }, {.change_count_max = 5});
  const auto record = add_to(live);
  live.changed(Subject::photo, "0");
  asked.get_future().wait();
  for (int i = 1; i < 10; ++i) live.changed(Subject::photo, std::to_string(i));
  go_on.set_value();
  EXPECT_TRUE(record->waits_for([&] { return record->closed; }));
  EXPECT_EQ(live.count(), 0);
}

TEST(Live, EndsTheStreamOfWhoMayNotGoOn) {
  for (const bool is_busy : {false, true}) {
    std::atomic<bool> may_go_on = true;
    Live live(echo, {.heartbeat_ms = is_busy ? 60'000 : 5, .judge_ms = 5});
    const auto record = std::make_shared<Record>(), other = add_to(live);
    live.add(std::make_unique<RecordingStream>(record), {},
             [&]() -> std::optional<bool> { return may_go_on.load(); });
    live.changed(Subject::photo, "1");
    ASSERT_TRUE(record->waits_for([&] { return has(*record, "{1}"); }));
    EXPECT_FALSE(record->closed);
    may_go_on = false;
    const auto is_closed = [&] {
      const std::lock_guard lock(record->mutex);
      return record->closed;
    };
    for (int i = 2; is_busy && i < 2'000 && !is_closed(); ++i) {
      live.changed(Subject::photo, std::to_string(i));
      ASSERT_TRUE(other->waits_for([&] { return has(*other, std::to_string(i).c_str()); }));
    }
    EXPECT_TRUE(record->waits_for([&] { return record->closed; })) << is_busy;
    EXPECT_EQ(live.count(), 1);
  }
}

TEST(Live, KeepsAClientWhoCannotBeJudgedNow) {
  std::atomic<int> asked = 0;
  std::atomic<bool> can_tell = false;
  const auto record = std::make_shared<Record>();
  Live live(echo, {.judge_ms = 5});
  live.add(std::make_unique<RecordingStream>(record), {}, [&]() -> std::optional<bool> {
    ++asked;
    if (can_tell) return false;
    record->changed.notify_all();
    return {};
  });
  ASSERT_TRUE(record->waits_for([&] { return asked > 3; }));
  EXPECT_EQ(live.count(), 1);
  can_tell = true;
  EXPECT_TRUE(record->waits_for([&] { return record->closed; }));
}

TEST(Live, RefusesMoreClientsThanAllowed) {
  Live live(echo, {.client_count_max = 1});
  EXPECT_FALSE(live.is_full());
  add_to(live);
  EXPECT_TRUE(live.is_full());
  const auto second = add_to(live);
  EXPECT_TRUE(second->closed);
  EXPECT_EQ(second->text, "");
  EXPECT_EQ(live.count(), 1);
}

// The same through real sockets: one client never reads, the other gets everything.
TEST(Live, KeepsASlowSocketFromHoldingUpTheOthers) {
  const std::string big(200'000, 'x');
  Live live([&](Subject, const std::string& id) { return "{" + id + "}" + big; },
            {.pending_bytes_max = 1 << 20});
  Settings settings;
  settings.port = 0;
  auto http = HttpServer::start(settings, [](const Request&) {
    Response response{200, "text/event-stream", ""};
    response.live = true;
    return response;
  }, &live);
  ASSERT_TRUE(http) << http.error();
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  test::RawClient slow((*http)->port());
  test::RawClient quick((*http)->port());
  slow.send(request);
  slow.read_until(": hello");
  quick.send(request);
  quick.read_until(": hello");
  // Until the kernel's buffers (some megabytes) and then the server's are full.
  int sent = 0;
  for (; live.count() == 2 && sent < 500; ++sent) {
    const std::string id = std::to_string(sent);
    live.changed(Subject::photo, id);
    ASSERT_NE(quick.read_until("{" + id + "}").find("{" + id + "}"), std::string::npos);
  }
  EXPECT_EQ(live.count(), 1) << sent;
  live.close();
}

}  // namespace
}  // namespace meterlens::api
