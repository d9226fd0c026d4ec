#include "sim/load_links.h"

#include <fmt/format.h>
#include <mosquitto.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <sstream>
#include <utility>

namespace meterlens::sim {
namespace {

constexpr int keep_alive_s = 600;
constexpr int subscribe_qos = 0;  // as devices do
constexpr std::int64_t again_us = 500'000, patience_us = 60'000'000;

std::string failure_words(int result, const LoadBroker& broker) {
  if (result == MOSQ_ERR_TLS)
    return fmt::format("it shows another certificate than {} knows", broker.ca_file);
  return mosquitto_strerror(result);
}

constexpr const char* authorities = "/etc/ssl/certs/ca-certificates.crt";

}  // namespace

namespace {

LoadBroker parse_one(const std::string& url, const std::string& ca_file) {
  constexpr std::string_view scheme = "mqtt://", tls_scheme = "mqtts://";
  const LoadFailure wrong{"--broker must be like mqtt://127.0.0.1:1883 or mqtts://mq1:8883; users "
                          "and passwords are options of their own"};
  LoadBroker broker;
  broker.tls = url.starts_with(tls_scheme);
  if (!broker.tls && !url.starts_with(scheme)) throw wrong;
  if (!broker.tls && !ca_file.empty()) throw LoadFailure{"--ca is for mqtts:// alone"};
  broker.ca_file = broker.tls && ca_file.empty() ? authorities : ca_file;
  broker.port = broker.tls ? 8883 : 1883;
  broker.host = url.substr(broker.tls ? tls_scheme.size() : scheme.size());
  if (const std::size_t colon = broker.host.rfind(':'); colon != std::string::npos) {
    const auto end = broker.host.data() + broker.host.size();
    const auto parsed = std::from_chars(broker.host.data() + colon + 1, end, broker.port);
    if (parsed.ptr != end || broker.port < 1 || broker.port > 65'535) throw wrong;
    broker.host.erase(colon);
  }
  if (broker.host.empty() || broker.host.find_first_of("@/") != std::string::npos) throw wrong;
  return broker;
}

}  // namespace

std::vector<LoadBroker> parse_load_brokers(const std::string& urls, const std::string& ca_file) {
  std::vector<LoadBroker> out;
  std::istringstream words(urls);
  for (std::string url; words >> url;) out.push_back(parse_one(url, ca_file));
  if (out.empty()) out.push_back(parse_one("", ca_file));  // throws
  for (const LoadBroker& one : out)
    if (one.tls != out.front().tls) throw LoadFailure{"--broker: all nodes with TLS, or none"};
  return out;
}

LoadLinks::LoadLinks(std::vector<LoadBroker> nodes, Events events)
    : nodes_(std::move(nodes)), events_(std::move(events)), poll_(epoll_create1(EPOLL_CLOEXEC)) {
  mosquitto_lib_init();
}

LoadLinks::~LoadLinks() {
  for (const auto& link : links_) mosquitto_destroy(link->client);
  close(poll_);
}

std::size_t LoadLinks::add(const std::string& client_id, const std::string& user,
                           const std::string& password) {
  Link& link = *links_.emplace_back(std::make_unique<Link>());
  link.all = this;
  link.number = links_.size() - 1;
  link.node = link.number % nodes_.size();
  const LoadBroker& node = nodes_[link.node];
  link.client = mosquitto_new(client_id.c_str(), true, &link);
  if (link.client == nullptr) throw LoadFailure{"no memory for another connection"};
  mosquitto_max_inflight_messages_set(link.client, 0);
  if (!user.empty()) mosquitto_username_pw_set(link.client, user.c_str(), password.c_str());
  if (node.tls && mosquitto_tls_set(link.client, node.ca_file.c_str(), nullptr, nullptr, nullptr,
                                    nullptr) != MOSQ_ERR_SUCCESS)
    throw LoadFailure{fmt::format("cannot read the certificates of {}", node.ca_file)};
  mosquitto_connect_callback_set(link.client, [](mosquitto*, void* one, int result) {
    Link& its = *static_cast<Link*>(one);
    its.was_up = its.was_up || result == 0;
    if (result == 0) return its.all->events_.connected(its.number);
    constexpr int unavailable = 3;  // a node that is coming up, or has just lost another one
    if (result == unavailable) return;
    its.all->wrong_ = fmt::format("the broker refuses connection {}: {}", its.number + 1,
                                  mosquitto_connack_string(result));
  });
  mosquitto_subscribe_callback_set(link.client, [](mosquitto*, void* one, int, int, const int*) {
    ++static_cast<Link*>(one)->all->subscribed_;
  });
  mosquitto_message_callback_set(link.client,
                                 [](mosquitto*, void* one, const mosquitto_message* message) {
    static_cast<Link*>(one)->all->events_.message(
        message->topic, {static_cast<const std::uint8_t*>(message->payload),
                         static_cast<std::size_t>(message->payloadlen)});
  });
  if (const int result = connect(link); result != MOSQ_ERR_SUCCESS) {
    throw LoadFailure{fmt::format("cannot connect to the broker at {}:{}: {}", node.host, node.port,
                                  failure_words(result, node))};
  }
  listen(link);
  keep_write(link);
  return link.number;
}

void LoadLinks::listen(Link& link) {
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.ptr = &link;
  link.wants_write = false;
  if (epoll_ctl(poll_, EPOLL_CTL_ADD, mosquitto_socket(link.client), &wanted) != 0)
    throw LoadFailure{"too many connections for this system"};
}

void LoadLinks::keep_write(Link& link) const {
  if (mosquitto_socket(link.client) < 0) return;
  const bool wants = mosquitto_want_write(link.client);
  if (wants == link.wants_write) return;
  link.wants_write = wants;
  epoll_event wanted{};
  wanted.events = wants ? EPOLLIN | EPOLLOUT : EPOLLIN;
  wanted.data.ptr = &link;
  epoll_ctl(poll_, EPOLL_CTL_MOD, mosquitto_socket(link.client), &wanted);
}

int LoadLinks::connect(Link& link) {
  const LoadBroker& node = nodes_[link.node];
  return mosquitto_connect(link.client, node.host.c_str(), node.port, keep_alive_s);
}

LoadFailure LoadLinks::gone(const Link& link, int result) const {
  const LoadBroker& node = nodes_[link.node];
  return {fmt::format("the broker at {}:{} is gone: {}", node.host, node.port,
                      failure_words(result, node))};
}

void LoadLinks::lose(Link& link, int result) {
  if (!wrong_.empty()) throw LoadFailure{wrong_};
  // No patience mends a certificate.
  if (result == MOSQ_ERR_TLS && !link.was_up) throw gone(link, result);
  events_.lost(link.number);
  link.lost_us = now_us();
  link.next_us = link.lost_us;
  lost_.push_back(&link);
}

void LoadLinks::bring_back() {
  std::erase_if(lost_, [this](Link* link) {
    const std::int64_t now = now_us();
    if (now < link->next_us) return false;
    link->next_us = now + again_us;
    link->node = (link->node + 1) % nodes_.size();
    const int result = connect(*link);
    if (result == MOSQ_ERR_SUCCESS) {
      listen(*link);
      keep_write(*link);
      return true;
    }
    if (now - link->lost_us < patience_us) return false;
    throw gone(*link, result);
  });
}

void LoadLinks::subscribe(std::size_t link, const std::string& topic) {
  mosquitto_subscribe(links_[link]->client, nullptr, topic.c_str(), subscribe_qos);
  keep_write(*links_[link]);
}

void LoadLinks::publish(std::size_t link, const std::string& topic, protocol::Bytes payload,
                        int qos) {
  const int result = mosquitto_publish(links_[link]->client, nullptr, topic.c_str(),
                                       static_cast<int>(payload.size()), payload.data(), qos,
                                       false);
  if (result != MOSQ_ERR_SUCCESS && result != MOSQ_ERR_NO_CONN && result != MOSQ_ERR_CONN_LOST)
    wrong_ = fmt::format("cannot publish: {}", mosquitto_strerror(result));
  keep_write(*links_[link]);
}

void LoadLinks::turn(int wait_ms) {
  std::array<epoll_event, 256> ready{};
  const int count = epoll_wait(poll_, ready.data(), static_cast<int>(ready.size()), wait_ms);
  for (int i = 0; i < count; ++i) {
    Link& link = *static_cast<Link*>(ready[static_cast<std::size_t>(i)].data.ptr);
    const auto events = ready[static_cast<std::size_t>(i)].events;
    int result = MOSQ_ERR_SUCCESS;
    if ((events & EPOLLOUT) != 0) result = mosquitto_loop_write(link.client, 1);
    if (result == MOSQ_ERR_SUCCESS && (events & ~static_cast<unsigned>(EPOLLOUT)) != 0)
      result = mosquitto_loop_read(link.client, 16);
    if (result == MOSQ_ERR_SUCCESS) keep_write(link);
    else lose(link, result);
  }
  if (!wrong_.empty()) throw LoadFailure{wrong_};
  if (!lost_.empty()) bring_back();
  // Keep-alive: some at a time, all within a minute.
  for (std::size_t i = 0; i < 1 + links_.size() / 1000 && !links_.empty(); ++i)
    mosquitto_loop_misc(links_[next_misc_++ % links_.size()]->client);
}

void LoadLinks::disconnect_all() {
  for (const auto& link : links_) mosquitto_disconnect(link->client);
}

}  // namespace meterlens::sim
