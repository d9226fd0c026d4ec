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
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "protocol/require.h"
#include "server/ingest/amqp.h"
#include "server/ingest/deliveries.h"
#include "server/ingest/queue_sender.h"
#include "server/ingest/topology.h"

namespace meterlens::ingest {
namespace {

using std::chrono::milliseconds;

constexpr int poll_ms = 500;
constexpr milliseconds pause_first{200}, pause_most{3'000};
// Messages taken in one go before others get their turn.
constexpr int row_max = 512;
constexpr std::string_view status_consumer = "status", private_consumer = "private";

std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::string_view text_of(protocol::Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// "q.7" and 7.
std::string consumer_of(int queue) { return fmt::format("q.{}", queue); }
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
  QueueLinkSettings settings;
  QueueLinkEvents events;
  std::unique_ptr<Amqp> amqp;
  std::unique_ptr<QueueSender> sender;
  std::set<int> taken;  // whose messages come
  std::size_t next_node = 0;
  Deliveries deliveries;
  std::uint32_t opened = 0;  // connections
  bool hears = false;        // messages may come
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
    : session_(std::make_unique<Session>()) {
  protocol::require(!settings.nodes.empty());
  session_->settings = settings;
  session_->events = std::move(events);
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
  milliseconds pause = pause_first;
  while (!stopping) {
    try {
      open();
      pause = pause_first;
      serve();
    } catch (const AmqpFailure& failure) {
      const auto& node = settings.nodes[next_node % settings.nodes.size()];
      const std::string words =
          fmt::format("no connection to RabbitMQ at {}:{}: {}", node.host, node.port,
                      failure.what());
      const std::lock_guard lock(mutex);
      // Once for each cause: it is tried every few seconds.
      if (words != trouble) spdlog::warn("amqp: {}; trying again", words);
      trouble = words;
      ++next_node;
    }
    amqp.reset();
    deliveries.forget();
    sender->forget_sure();
    taken.clear();
    {
      const std::lock_guard lock(mutex);
      taken_now.clear();
    }
    hears = false;
    tell_connection();
    if (stopping) return;
    pollfd waker{wake_fd, POLLIN, 0};
    poll(&waker, 1, static_cast<int>(pause.count()));
    pause = std::min(pause * 2, pause_most);
    events.pause();
  }
}

void QueueLink::Session::open() {
  const AmqpNode& node = settings.nodes[next_node % settings.nodes.size()];
  amqp = std::make_unique<Amqp>(node, settings.password);
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
  spdlog::info("amqp: connected to {}:{}", node.host, node.port);
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
  for (const int queue : shall) {
    if (!taken.insert(queue).second) continue;
    amqp->consume(queue_name(queue), consumer_of(queue), true);
  }
  std::erase_if(taken, [&](int queue) {
    if (shall.contains(queue)) return false;
    amqp->cancel(consumer_of(queue));
    return true;
  });
  for (const int queue : back)
    for (const std::uint64_t tag : deliveries.give_back(queue)) amqp->give_back(tag);
  const std::lock_guard lock(mutex);
  taken_now = taken;
}

void QueueLink::Session::flush() {
  for (const std::uint64_t tag : deliveries.take_settled()) amqp->acknowledge(tag);
  for (const std::uint64_t tag : sender->take_done()) amqp->acknowledge(tag);
}

void QueueLink::Session::message(const AmqpMessage& one) {
  if (one.consumer == status_consumer) return forward(one);
  if (one.consumer == private_consumer) {
    if (one.correlation.empty()) return events.news(text_of(one.body));
    return events.answer(std::string(one.correlation), text_of(one.body));
  }
  std::string topic = topic_of_key(one.key);
  if (one.type == status_type) topic = topic.substr(0, topic.rfind('/')) + "/status";
  const bool is_wanted = one.type == wanted_type;
  Delivery delivery{0, queue_of(one.consumer), one.again, opened};
  delivery.number = deliveries.add(one.tag, delivery.queue, is_wanted ? "" : keeper_of(topic));
  if (is_wanted) {
    return events.wanted({std::string(text_of(one.body)), std::string(one.reply_to),
                          std::string(one.correlation)}, delivery);
  }
  events.message(topic, one.body, delivery);
}

// A status has another key than the rest of what the device says, and would get into another queue:
// one worker sends them on, in order, by the device's own key.
void QueueLink::Session::forward(const AmqpMessage& one) {
  const std::string topic = topic_of_key(one.key);
  if (topic.empty()) return amqp->acknowledge(one.tag);
  AmqpLetter letter;
  letter.exchange = devices_exchange;
  letter.key = key_of_topic(topic.substr(0, topic.rfind('/')) + "/up");
  letter.body.assign(one.body.begin(), one.body.end());
  letter.type = status_type;
  sender->post_surely(std::move(letter), one.tag);
}

// ---- for the others ----

bool QueueLink::connected() const { return session_->connected; }

std::expected<void, std::string> QueueLink::wait_connected(std::int64_t patience_ms) {
  std::unique_lock lock(session_->mutex);
  if (session_->changed.wait_for(lock, milliseconds(patience_ms),
                                 [this] { return session_->connected.load(); }))
    return {};
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
  letter.body = bytes_of(body);
  letter.is_kept = false;
  return session_->sender->post(std::move(letter));
}

bool QueueLink::tell(std::string body) {
  AmqpLetter letter;
  letter.exchange = news_exchange;
  letter.body = bytes_of(body);
  letter.is_kept = false;
  return session_->sender->post(std::move(letter));
}

bool QueueLink::want(const std::string& topic, std::string body, const std::string& correlation,
                     std::int64_t expires_ms) {
  AmqpLetter letter;
  letter.exchange = devices_exchange;
  letter.key = key_of_topic(topic);
  letter.body = bytes_of(body);
  letter.type = wanted_type;
  {
    const std::lock_guard lock(session_->mutex);
    letter.reply_to = session_->private_queue;
  }
  letter.correlation = correlation;
  letter.expires_ms = expires_ms;
  return session_->sender->post(std::move(letter));
}

}  // namespace meterlens::ingest
