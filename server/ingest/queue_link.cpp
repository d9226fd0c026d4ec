#include "server/ingest/queue_link.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "protocol/require.h"
#include "server/clock.h"
#include "server/ingest/amqp_dialer.h"
#include "server/ingest/deliveries.h"
#include "server/ingest/queue_sender.h"
#include "server/ingest/topology.h"

namespace meterlens::ingest {
namespace {

using server::steady_ms;
using std::chrono::milliseconds;

constexpr int poll_ms = 500;
// Messages taken in one go before others get their turn.
constexpr int row_max = 512;
constexpr std::string_view status_consumer = "status", private_consumer = "private";
// A device says how it is when it comes, goes, or is asked.
constexpr RateLimit status_limit{.per_s = 1, .burst = 120};
constexpr std::int64_t flood_told_ms = 5'000, poison_looked_ms = 10'000;
constexpr std::size_t dotted_names_max = 100;

std::vector<std::uint8_t> payload_of(std::string_view text) { return {text.begin(), text.end()}; }

std::string_view payload_text(protocol::Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The `round`th of a connection, of a queue that hands out as many as the prefetch says, "q.7.1",
// or one at a time, "1.7.1"; and 7.
std::string consumer_of(int queue, bool is_single, unsigned round) {
  return fmt::format("{}.{}.{}", is_single ? '1' : 'q', queue, round);
}
bool is_single(std::string_view consumer) { return consumer.starts_with('1'); }
int queue_of(std::string_view consumer) {
  int queue = -1;
  std::from_chars(consumer.data() + 2, consumer.data() + consumer.size(), queue);
  return queue;
}

// A SmartDTU keeps nothing of what it has sent.
std::string keeper_of(std::string_view topic) {
  const auto parsed = protocol::parse_topic(topic);
  if (!parsed || parsed->dialect != protocol::Dialect::smartdtu) return {};
  return std::string(parsed->device);
}

}  // namespace

struct QueueLink::Session {
  Session(const QueueLinkSettings& its_settings, QueueLinkEvents its_events)
      : settings(its_settings), events(std::move(its_events)) {}

  const QueueLinkSettings settings;
  const QueueLinkEvents events;
  std::unique_ptr<Amqp> amqp;
  std::unique_ptr<QueueSender> sender;
  struct Taken {
    std::string consumer;
    bool is_careful = false;   // one message at a time
    std::uint64_t at_hand = 0;  // its number, 0: none yet
  };
  std::map<int, Taken> taken;  // whose messages come
  std::set<int> well;          // of those, whose message at hand has not ended workers
  unsigned rounds = 0;         // of consumers
  AmqpDialer dialer{settings};
  Deliveries deliveries;
  Rate rate{settings.rate}, status_rate{status_limit};
  std::map<std::string, std::uint64_t> dropped;  // by device, not told yet
  std::set<std::string> dotted;                  // names that were refused
  std::int64_t dropped_told_ms = 0, poison_seen_ms = 0;
  std::uint32_t opened = 0;            // connections
  bool hears = false;                  // messages may come
  std::atomic<bool> connected{false};  // and go
  std::atomic<bool> stopping{false};
  int wake_fd = -1;

  std::mutex mutex;
  std::condition_variable changed;
  std::string private_queue;
  std::set<int> wanted;     // queues that shall be taken
  std::set<int> given;      // and whose messages go back, late ones as well
  std::set<int> taken_now;  // `taken`, for others to see
  std::string trouble;      // why there is no connection
  std::thread thread;

  void run();
  void open();
  void serve();
  void wait() const;
  void share();
  void begin(int queue, bool is_careful);
  void judge_tries(int queue, const AmqpMessage& message, const std::string& topic);
  bool may_pass(const std::string& topic, std::size_t bytes, Rate& its_rate);
  void tell();
  void flush();
  void message(const AmqpMessage& message);
  void forward(const AmqpMessage& message);
  void tell_connection();
  void wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wake_fd, &one, sizeof one);
  }
};

QueueLink::QueueLink(const QueueLinkSettings& settings, QueueLinkEvents events)
    : session_(std::make_unique<Session>(settings, std::move(events))) {
  protocol::require(!settings.nodes.empty());
  session_->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  protocol::require(session_->wake_fd >= 0);
  session_->sender =
      std::make_unique<QueueSender>(settings, [session = session_.get()] { session->wake(); });
  session_->thread = std::thread([this] { session_->run(); });
}

QueueLink::~QueueLink() {
  session_->stopping = true;
  session_->wake();
  session_->thread.join();
  session_->sender.reset();
  close(session_->wake_fd);
}

// ---- the link's thread ----

void QueueLink::Session::run() {
  while (!stopping) {
    try {
      open();
      dialer.went_well();
      serve();
    } catch (const AmqpFailure& failure) {
      const std::string words = "no connection to RabbitMQ at " + dialer.failed(failure.what());
      const std::lock_guard lock(mutex);
      // Once for each cause: it is tried every few seconds.
      if (words != trouble) spdlog::warn(fmt::format("amqp: {}; trying again", words));
      trouble = words;
    }
    amqp.reset();
    deliveries.forget();
    sender->forget_sure();
    taken.clear();
    well.clear();
    {
      const std::lock_guard lock(mutex);
      taken_now.clear();
    }
    hears = false;
    tell_connection();
    if (stopping) return;
    pollfd waker{wake_fd, POLLIN, 0};
    poll(&waker, 1, static_cast<int>(dialer.pause().count()));
    events.pause();
  }
}

void QueueLink::Session::open() {
  amqp = dialer.connect();
  declare_topology(*amqp, settings);
  amqp->set_prefetch(settings.prefetch);
  if (settings.is_worker) {
    amqp->consume(status_queue, std::string(status_consumer), true);
  } else {
    const std::string queue = amqp->declare_private_queue();
    amqp->bind_queue(queue, news_exchange, "");
    amqp->consume(queue, std::string(private_consumer), false);
    const std::lock_guard lock(mutex);
    private_queue = queue;
  }
  ++opened;
  spdlog::info(fmt::format("amqp: connected to {}:{}", dialer.node().host, dialer.node().port));
  hears = true;
  const std::lock_guard lock(mutex);
  trouble.clear();
}

void QueueLink::Session::tell_connection() {
  const bool now = hears && sender->is_ready();
  if (now == connected) return;
  {
    const std::lock_guard lock(mutex);
    connected = now;
  }
  changed.notify_all();
  events.connection(now);
}

void QueueLink::Session::serve() {
  while (!stopping) {
    tell_connection();
    share();
    flush();
    if (!amqp->has_more()) wait();
    for (int i = 0; i < row_max; ++i)
      if (!amqp->take([this](const AmqpMessage& one) { message(one); })) break;
    events.pause();
    tell();
  }
  flush();  // the last answers and acknowledgements
}

void QueueLink::Session::wait() const {
  std::array<pollfd, 2> fds{{{amqp->socket(), POLLIN, 0}, {wake_fd, POLLIN, 0}}};
  poll(fds.data(), fds.size(), poll_ms);
  if ((fds[1].revents & POLLIN) == 0) return;
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_fd, &count, sizeof count);
}

// Takes and leaves queues, as others want it.
void QueueLink::Session::share() {
  std::set<int> shall, back;
  {
    const std::lock_guard lock(mutex);
    shall = wanted;
    back = given;
  }
  for (const int queue : shall)
    if (!taken.contains(queue)) begin(queue, true);
  std::erase_if(taken, [&](const auto& one) {
    if (shall.contains(one.first)) return false;
    amqp->cancel(one.second.consumer);
    return true;
  });
  for (const int queue : std::exchange(well, {})) {
    const auto at = taken.find(queue);
    if (at == taken.end() || !at->second.is_careful) continue;
    amqp->cancel(at->second.consumer);
    begin(queue, false);
  }
  // The next message of a queue that hands out one at a time, beside those that have to stay.
  for (auto& [queue, its] : taken) {
    if (!its.is_careful || !deliveries.is_held(its.at_hand)) continue;
    amqp->cancel(its.consumer);
    begin(queue, true);
  }
  for (const int queue : back)
    for (const std::uint64_t tag : deliveries.give_back(queue)) amqp->give_back(tag);
  const std::lock_guard lock(mutex);
  taken_now.clear();
  for (const auto& [queue, its] : taken) taken_now.insert(queue);
}

// A queue begins with one message at a time: what has ended workers is at its head, and must not
// take along what would be handed out with it.
void QueueLink::Session::begin(int queue, bool is_careful) {
  const std::string consumer = consumer_of(queue, is_careful, ++rounds);
  amqp->set_prefetch(is_careful ? 1 : settings.prefetch);
  amqp->consume(queue_name(queue), consumer, true);
  taken[queue] = {consumer, is_careful, 0};
}

void QueueLink::Session::judge_tries(int queue, const AmqpMessage& one, const std::string& topic) {
  if (one.tries < std::clamp<std::int64_t>(settings.tries_max / 3, 1, 3)) {
    well.insert(queue);  // the others come without this one's end
  } else {
    spdlog::warn(fmt::format(
        "queue {}: workers have ended {} times with a message of {} at hand; it is dealt "
        "with alone, and after {} times lies in {}",
        queue, one.tries, topic, settings.tries_max, poison_queue));
  }
}

// False: it is not taken in.
bool QueueLink::Session::may_pass(const std::string& topic, std::size_t bytes, Rate& its_rate) {
  const auto parsed = protocol::parse_topic(topic);
  if (!parsed) return true;  // the decoder counts it
  const std::string device(parsed->device);
  if (device.find('.') != std::string::npos) {
    if (dotted.size() < dotted_names_max && dotted.insert(device).second)
      spdlog::warn(
          fmt::format("what the device {} sends is dropped: in a fleet the name of a device has no "
                      "dot, for nothing sent to it would arrive; give it another name",
                      device));
    return false;
  }
  if (its_rate.admits(device, bytes, steady_ms())) return true;
  ++dropped[device];
  return false;
}

void QueueLink::Session::tell() {
  const std::int64_t now = steady_ms();
  if (events.flood && !dropped.empty() && now - dropped_told_ms >= flood_told_ms) {
    dropped_told_ms = now;
    for (const auto& [device, count] : std::exchange(dropped, {})) events.flood(device, count);
  }
  if (events.poisoned && now - poison_seen_ms >= poison_looked_ms) {
    poison_seen_ms = now;
    events.poisoned(amqp->count(poison_queue));
  }
}

void QueueLink::Session::flush() {
  deliveries.sent_on(sender->take_done());
  const auto settled = deliveries.take_settled();
  if (settled.upto > 0) amqp->acknowledge_upto(settled.upto);
  for (const std::uint64_t tag : settled.tags) amqp->acknowledge(tag);
}

void QueueLink::Session::message(const AmqpMessage& one) {
  if (one.consumer == status_consumer) return forward(one);
  if (one.consumer == private_consumer) {
    if (one.correlation.empty()) return events.news(payload_text(one.body));
    return events.answer(std::string(one.correlation), payload_text(one.body));
  }
  std::string topic = topic_of_key(one.key);
  if (one.type == status_type) topic = topic.substr(0, topic.rfind('/')) + "/status";
  const bool is_wanted = one.type == wanted_type;
  Delivery delivery{0, queue_of(one.consumer), one.again, opened};
  if (is_single(one.consumer)) judge_tries(delivery.queue, one, topic);
  if (!is_wanted && !may_pass(topic, one.body.size(), rate)) return amqp->acknowledge(one.tag);
  delivery.number = deliveries.add(one.tag, delivery.queue, is_wanted ? "" : keeper_of(topic));
  if (const auto at = taken.find(delivery.queue); at != taken.end())
    at->second.at_hand = delivery.number;
  if (is_wanted) {
    return events.wanted({std::string(payload_text(one.body)), std::string(one.reply_to),
                          std::string(one.correlation)}, delivery);
  }
  events.message(topic, one.body, delivery);
}

// A status has another key than the rest of what the device says, and would get into another queue:
// one worker sends them on, in order, by the device's own key.
void QueueLink::Session::forward(const AmqpMessage& one) {
  const std::string topic = topic_of_key(one.key);
  if (topic.empty() || !may_pass(topic, one.body.size(), status_rate))
    return amqp->acknowledge(one.tag);
  AmqpLetter letter;
  letter.exchange = devices_exchange;
  letter.key = key_of_topic(topic.substr(0, topic.rfind('/')) + "/up");
  letter.body.assign(one.body.begin(), one.body.end());
  letter.type = status_type;
  deliveries.send_on(one.tag);
  sender->post_surely(std::move(letter), one.tag);
}

// ---- for the others ----

bool QueueLink::connected() const { return session_->connected; }

std::expected<void, std::string> QueueLink::wait_connected(std::int64_t patience_ms,
                                                           const IsEnding& is_ending) {
  constexpr auto glance = milliseconds(100);
  const auto end = std::chrono::steady_clock::now() + milliseconds(patience_ms);
  std::unique_lock lock(session_->mutex);
  do {
    if (session_->changed.wait_for(lock, glance, [this] { return session_->connected.load(); }))
      return {};
    if (is_ending && is_ending()) return std::unexpected("ended while RabbitMQ was waited for");
  } while (std::chrono::steady_clock::now() < end);
  const std::string why = session_->hears ? session_->sender->trouble() : session_->trouble;
  return std::unexpected(fmt::format("{}; waited {} s: start it, or name another node in [fleet]",
                                     why, patience_ms / 1000));
}

void QueueLink::take(int queue) {
  {
    const std::lock_guard lock(session_->mutex);
    session_->wanted.insert(queue);
    session_->given.erase(queue);
  }
  session_->deliveries.keep(queue, false);
  session_->wake();
}

void QueueLink::leave(int queue) {
  {
    const std::lock_guard lock(session_->mutex);
    session_->wanted.erase(queue);
  }
  session_->wake();
}

void QueueLink::keep(int queue) { session_->deliveries.keep(queue, true); }

void QueueLink::give_back(int queue) {
  {
    const std::lock_guard lock(session_->mutex);
    session_->given.insert(queue);
  }
  session_->wake();
}

std::size_t QueueLink::count(int queue) const { return session_->deliveries.count(queue); }

bool QueueLink::is_taken(int queue) const {
  const std::lock_guard lock(session_->mutex);
  return session_->taken_now.contains(queue);
}

std::size_t QueueLink::settled(std::uint64_t number,
                               const std::function<bool(const std::string&)>& is_open) {
  const auto most = static_cast<std::size_t>(session_->settings.prefetch) / 2;
  const std::size_t early = session_->deliveries.settled(number, is_open, most);
  session_->wake();
  return early;
}

bool QueueLink::send(const std::string& topic, std::vector<std::uint8_t> payload) {
  AmqpLetter letter;
  letter.exchange = mqtt_exchange;
  letter.key = key_of_topic(topic);
  letter.body = std::move(payload);
  return session_->sender->post(std::move(letter));
}

bool QueueLink::answer(const Wanted& wanted, std::string body) {
  AmqpLetter letter;
  letter.key = wanted.reply_to;
  letter.correlation = wanted.correlation;
  letter.body = payload_of(body);
  letter.is_kept = false;
  return session_->sender->post(std::move(letter));
}

bool QueueLink::tell(std::string body) {
  AmqpLetter letter;
  letter.exchange = news_exchange;
  letter.body = payload_of(body);
  letter.is_kept = false;
  return session_->sender->post(std::move(letter));
}

bool QueueLink::want(const std::string& topic, std::string body, const std::string& correlation,
                     std::int64_t expires_ms) {
  AmqpLetter letter;
  letter.exchange = devices_exchange;
  letter.key = key_of_topic(topic);
  letter.body = payload_of(body);
  letter.type = wanted_type;
  {
    const std::lock_guard lock(session_->mutex);
    letter.reply_to = session_->private_queue;
  }
  letter.correlation = correlation;
  letter.expires_ms = expires_ms;
  return session_->sender->post(std::move(letter));
}

void QueueLink::renew_sender() { session_->sender->renew(); }

}  // namespace meterlens::ingest
