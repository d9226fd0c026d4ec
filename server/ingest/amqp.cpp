#include "server/ingest/amqp.h"

#include <amqp.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <fmt/format.h>

#include <charconv>
#include <cstring>

namespace meterlens::ingest {
namespace {

// What comes and goes; transactions, which hold up what else is on their channel.
constexpr amqp_channel_t main_channel = 1, sure_channel = 2;
// A node that is silent for twice as long is gone.
constexpr int heartbeat_s = 3;
constexpr int frame_bytes_max = 131'072;
constexpr timeval connect_time{3, 0}, answer_time{10, 0};
constexpr const char* system_ca_file = "/etc/ssl/certs/ca-certificates.crt";

amqp_bytes_t bytes_of(std::string_view text) {
  // librabbitmq takes no const, and changes nothing.
  return {text.size(), const_cast<char*>(text.data())};
}

std::string_view text_of(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

std::string words_of(const amqp_rpc_reply_t& reply) {
  if (reply.reply_type == AMQP_RESPONSE_NONE) return "no answer";
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
    return amqp_error_string2(reply.library_error);
  if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto* closed = static_cast<const amqp_channel_close_t*>(reply.reply.decoded);
    return fmt::format("{} {}", closed->reply_code, text_of(closed->reply_text));
  }
  if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* closed = static_cast<const amqp_connection_close_t*>(reply.reply.decoded);
    return fmt::format("{} {}", closed->reply_code, text_of(closed->reply_text));
  }
  return "an answer that is none";
}

// How often a quorum queue has handed a message out before and got it back.
std::int64_t tries_of(const amqp_basic_properties_t& properties) {
  if ((properties._flags & AMQP_BASIC_HEADERS_FLAG) == 0) return 0;
  for (int i = 0; i < properties.headers.num_entries; ++i) {
    const amqp_table_entry_t& entry = properties.headers.entries[i];
    if (text_of(entry.key) != "x-delivery-count") continue;
    switch (entry.value.kind) {
      case AMQP_FIELD_KIND_I8: return entry.value.value.i8;
      case AMQP_FIELD_KIND_U8: return entry.value.value.u8;
      case AMQP_FIELD_KIND_I16: return entry.value.value.i16;
      case AMQP_FIELD_KIND_U16: return entry.value.value.u16;
      case AMQP_FIELD_KIND_I32: return entry.value.value.i32;
      case AMQP_FIELD_KIND_U32: return entry.value.value.u32;
      case AMQP_FIELD_KIND_I64: return entry.value.value.i64;
      default: return 0;
    }
  }
  return 0;
}

// librabbitmq's form of arguments, which point into those given.
class Table {
 public:
  explicit Table(const Amqp::Arguments& arguments) {
    for (const auto& [name, value] : arguments) {
      amqp_table_entry_t entry{};
      entry.key = bytes_of(name);
      if (const auto* flag = std::get_if<bool>(&value)) {
        entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
        entry.value.value.boolean = *flag ? 1 : 0;
      } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
        entry.value.kind = AMQP_FIELD_KIND_I64;
        entry.value.value.i64 = *number;
      } else {
        entry.value.kind = AMQP_FIELD_KIND_UTF8;
        entry.value.value.bytes = bytes_of(std::get<std::string>(value));
      }
      entries_.push_back(entry);
    }
  }
  amqp_table_t get() { return {static_cast<int>(entries_.size()), entries_.data()}; }

 private:
  std::vector<amqp_table_entry_t> entries_;
};

}  // namespace

struct Amqp::Connection {
  amqp_connection_state_t state = amqp_new_connection();

  ~Connection() { amqp_destroy_connection(state); }
  void check(const char* what) const {
    if (const auto reply = amqp_get_rpc_reply(state); reply.reply_type != AMQP_RESPONSE_NORMAL)
      throw AmqpFailure(fmt::format("{}: {}", what, words_of(reply)));
  }
  static void check(const char* what, int status) {
    if (status != AMQP_STATUS_OK)
      throw AmqpFailure(fmt::format("{}: {}", what, amqp_error_string2(status)));
  }
  void send(amqp_channel_t channel, const AmqpLetter& letter) const;
  amqp_socket_t* make_socket(bool has_tls, const std::string& ca_file) const;
};

amqp_socket_t* Amqp::Connection::make_socket(bool has_tls, const std::string& ca_file) const {
  amqp_socket_t* socket = has_tls ? amqp_ssl_socket_new(state) : amqp_tcp_socket_new(state);
  if (socket == nullptr) throw AmqpFailure("no socket");
  if (!has_tls) return socket;
  const char* file = ca_file.empty() ? system_ca_file : ca_file.c_str();
  if (amqp_ssl_socket_set_cacert(socket, file) != AMQP_STATUS_OK)
    throw AmqpFailure(
        fmt::format("cannot read certificates from {}: set ca_file in [fleet]", file));
  amqp_ssl_socket_set_verify_peer(socket, 1);
  amqp_ssl_socket_set_verify_hostname(socket, 1);
  amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
  return socket;
}

Amqp::Amqp(const AmqpNode& node, const std::string& password, const std::string& ca_file)
    : connection_(std::make_unique<Connection>()) {
  const auto state = connection_->state;
  amqp_socket_t* socket = connection_->make_socket(node.has_tls, ca_file);
  timeval connect = connect_time, answer = answer_time;
  amqp_set_handshake_timeout(state, &answer);
  amqp_set_rpc_timeout(state, &answer);
  Connection::check(node.has_tls ? "connect with TLS" : "connect",
                    amqp_socket_open_noblock(socket, node.host.c_str(), node.port, &connect));
  // So that the node says when it takes nothing more.
  const Arguments capabilities{{"connection.blocked", true},
                               {"authentication_failure_close", true}};
  Table can(capabilities);
  amqp_table_entry_t entry{};
  entry.key = bytes_of("capabilities");
  entry.value.kind = AMQP_FIELD_KIND_TABLE;
  entry.value.value.table = can.get();
  const amqp_table_t properties{1, &entry};
  const auto reply = amqp_login_with_properties(
      state, node.vhost.c_str(), 0, frame_bytes_max, heartbeat_s, &properties,
      AMQP_SASL_METHOD_PLAIN, node.user.c_str(), password.c_str());
  if (reply.reply_type != AMQP_RESPONSE_NORMAL)
    throw AmqpFailure(fmt::format("log-in as {}: {}; check user, password and virtual host",
                                  node.user, words_of(reply)));
  for (const auto channel : {main_channel, sure_channel}) {
    amqp_channel_open(state, channel);
    connection_->check("open a channel");
  }
  amqp_tx_select(state, sure_channel);
  connection_->check("begin transactions");
}

Amqp::~Amqp() = default;

void Amqp::declare_exchange(const std::string& name, const std::string& type) {
  amqp_exchange_declare(connection_->state, main_channel, bytes_of(name), bytes_of(type), 0, 1, 0,
                        0, amqp_empty_table);
  connection_->check("declare an exchange");
}

void Amqp::declare_queue(const std::string& name, const Arguments& arguments) {
  Table table(arguments);
  amqp_queue_declare(connection_->state, main_channel, bytes_of(name), 0, 1, 0, 0, table.get());
  connection_->check("declare a queue");
}

std::uint64_t Amqp::count(const std::string& queue) {
  const auto* there = amqp_queue_declare(connection_->state, main_channel, bytes_of(queue), 1, 0, 0,
                                         0, amqp_empty_table);
  connection_->check("count a queue");
  return there->message_count;
}

std::optional<std::string> Amqp::look_at_next(const std::string& queue) {
  const auto state = connection_->state;
  const auto reply = amqp_basic_get(state, main_channel, bytes_of(queue), 0);
  if (reply.reply_type != AMQP_RESPONSE_NORMAL)
    throw AmqpFailure("look into a queue: " + words_of(reply));
  if (reply.reply.id != AMQP_BASIC_GET_OK_METHOD) return std::nullopt;
  const auto* got = static_cast<const amqp_basic_get_ok_t*>(reply.reply.decoded);
  std::string key(text_of(got->routing_key));
  amqp_message_t message;
  const auto read = amqp_read_message(state, main_channel, &message, 0);
  if (read.reply_type != AMQP_RESPONSE_NORMAL)
    throw AmqpFailure("look into a queue: " + words_of(read));
  amqp_destroy_message(&message);
  return key;
}

std::string Amqp::declare_private_queue() {
  const auto* made = amqp_queue_declare(connection_->state, main_channel, amqp_empty_bytes, 0, 0, 1,
                                        1, amqp_empty_table);
  connection_->check("declare a queue");
  return std::string(text_of(made->queue));
}

void Amqp::bind_queue(const std::string& queue, const std::string& exchange,
                      const std::string& key, const Arguments& arguments) {
  Table table(arguments);
  amqp_queue_bind(connection_->state, main_channel, bytes_of(queue), bytes_of(exchange),
                  bytes_of(key), table.get());
  connection_->check("bind a queue");
}

void Amqp::bind_exchange(const std::string& to, const std::string& from, const std::string& key) {
  amqp_exchange_bind(connection_->state, main_channel, bytes_of(to), bytes_of(from), bytes_of(key),
                     amqp_empty_table);
  connection_->check("bind an exchange");
}

void Amqp::set_prefetch(int count) {
  amqp_basic_qos(connection_->state, main_channel, 0, static_cast<std::uint16_t>(count), 0);
  connection_->check("set the prefetch");
}

void Amqp::consume(const std::string& queue, const std::string& consumer, bool acknowledged) {
  amqp_basic_consume(connection_->state, main_channel, bytes_of(queue), bytes_of(consumer), 0,
                     acknowledged ? 0 : 1, 0, amqp_empty_table);
  connection_->check("consume a queue");
}

void Amqp::cancel(const std::string& consumer) {
  amqp_basic_cancel(connection_->state, main_channel, bytes_of(consumer));
  connection_->check("leave a queue");
}

void Amqp::acknowledge(std::uint64_t tag) {
  Connection::check("acknowledge", amqp_basic_ack(connection_->state, main_channel, tag, 0));
}

void Amqp::acknowledge_upto(std::uint64_t tag) {
  Connection::check("acknowledge", amqp_basic_ack(connection_->state, main_channel, tag, 1));
}

void Amqp::give_back(std::uint64_t tag) {
  Connection::check("give back", amqp_basic_nack(connection_->state, main_channel, tag, 0, 1));
}

void Amqp::Connection::send(amqp_channel_t channel, const AmqpLetter& letter) const {
  amqp_basic_properties_t properties{};
  const auto set = [&](amqp_flags_t flag, amqp_bytes_t& field, const std::string& text) {
    if (text.empty()) return;
    properties._flags |= flag;
    field = bytes_of(text);
  };
  const std::string expires = letter.expires_ms > 0 ? std::to_string(letter.expires_ms) : "";
  set(AMQP_BASIC_TYPE_FLAG, properties.type, letter.type);
  set(AMQP_BASIC_REPLY_TO_FLAG, properties.reply_to, letter.reply_to);
  set(AMQP_BASIC_CORRELATION_ID_FLAG, properties.correlation_id, letter.correlation);
  set(AMQP_BASIC_EXPIRATION_FLAG, properties.expiration, expires);
  properties._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.delivery_mode = letter.is_kept ? 2 : 1;
  const std::string_view body(reinterpret_cast<const char*>(letter.body.data()),
                              letter.body.size());
  check("publish", amqp_basic_publish(state, channel, bytes_of(letter.exchange),
                                      bytes_of(letter.key), 0, 0, &properties, bytes_of(body)));
}

void Amqp::publish(const AmqpLetter& letter) { connection_->send(main_channel, letter); }

void Amqp::publish_surely(const AmqpLetter& letter) {
  connection_->send(sure_channel, letter);
  amqp_tx_commit(connection_->state, sure_channel);
  connection_->check("publish");
}

int Amqp::socket() const { return amqp_get_sockfd(connection_->state); }

bool Amqp::has_more() const {
  return amqp_frames_enqueued(connection_->state) != 0 ||
         amqp_data_in_buffer(connection_->state) != 0;
}

bool Amqp::take(const std::function<void(const AmqpMessage&)>& handler) {
  const auto state = connection_->state;
  amqp_maybe_release_buffers(state);
  amqp_envelope_t envelope;
  timeval none{0, 0};
  const auto reply = amqp_consume_message(state, &envelope, &none, 0);
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
      reply.library_error == AMQP_STATUS_TIMEOUT)
    return false;
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
      reply.library_error == AMQP_STATUS_UNEXPECTED_STATE)
    return take_other(words_of(reply));
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) throw AmqpFailure("receive: " + words_of(reply));
  const amqp_basic_properties_t& properties = envelope.message.properties;
  const auto text = [&](amqp_flags_t flag, amqp_bytes_t field) {
    return (properties._flags & flag) != 0 ? text_of(field) : std::string_view();
  };
  AmqpMessage message;
  message.tag = envelope.delivery_tag;
  message.again = envelope.redelivered != 0;
  message.tries = tries_of(properties);
  message.consumer = text_of(envelope.consumer_tag);
  message.key = text_of(envelope.routing_key);
  message.type = text(AMQP_BASIC_TYPE_FLAG, properties.type);
  message.reply_to = text(AMQP_BASIC_REPLY_TO_FLAG, properties.reply_to);
  message.correlation = text(AMQP_BASIC_CORRELATION_ID_FLAG, properties.correlation_id);
  message.body = {static_cast<const std::uint8_t*>(envelope.message.body.bytes),
                  envelope.message.body.len};
  try {
    handler(message);
  } catch (...) {
    amqp_destroy_envelope(&envelope);
    throw;
  }
  amqp_destroy_envelope(&envelope);
  return true;
}

// No message: that the node is full or is so no more; or that it closes a channel, or that a queue
// is gone, which is a failure.
bool Amqp::take_other(const std::string& why) {
  amqp_frame_t frame;
  timeval none{0, 0};
  if (amqp_simple_wait_frame_noblock(connection_->state, &frame, &none) != AMQP_STATUS_OK ||
      frame.frame_type != AMQP_FRAME_METHOD ||
      (frame.payload.method.id != AMQP_CONNECTION_BLOCKED_METHOD &&
       frame.payload.method.id != AMQP_CONNECTION_UNBLOCKED_METHOD))
    throw AmqpFailure("receive: " + why);
  is_blocked_ = frame.payload.method.id == AMQP_CONNECTION_BLOCKED_METHOD;
  return true;
}

std::expected<AmqpNode, std::string> parse_amqp(std::string_view url) {
  constexpr std::string_view plain = "amqp://", secure = "amqps://";
  const auto wrong = [] {
    return std::unexpected("an address of RabbitMQ is written like "
                           "amqp://meterlens@mq1.example.net:5672/ or, with TLS, "
                           "amqps://meterlens@mq1.example.net:5671/, without the password");
  };
  AmqpNode node;
  node.has_tls = url.starts_with(secure);
  if (!node.has_tls && !url.starts_with(plain)) return wrong();
  url.remove_prefix(node.has_tls ? secure.size() : plain.size());
  if (node.has_tls) node.port = 5671;
  if (const auto slash = url.find('/'); slash != std::string_view::npos) {
    if (slash + 1 < url.size()) node.vhost = url.substr(slash + 1);
    url = url.substr(0, slash);
  }
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    node.user = url.substr(0, at);
    url.remove_prefix(at + 1);
  }
  if (const auto colon = url.rfind(':'); colon != std::string_view::npos) {
    const auto port = url.substr(colon + 1);
    const auto end = port.data() + port.size();
    if (std::from_chars(port.data(), end, node.port).ptr != end || node.port < 1 ||
        node.port > 65535)
      return wrong();
    url = url.substr(0, colon);
  }
  node.host = url;
  if (node.host.empty() || node.user.empty() || node.user.find(':') != std::string::npos)
    return wrong();
  return node;
}

}  // namespace meterlens::ingest
