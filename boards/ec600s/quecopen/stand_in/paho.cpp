// Paho's embedded MQTT client as the port uses it: MQTT 3.1.1 over a socket, one task, every call
// waits for its answer. Written from the protocol's specification.
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <string>
#include <type_traits>

#include "boards/ec600s/quecopen/sdk.h"
#include "boards/ec600s/quecopen/stand_in/tls.h"

namespace {

using meterlens::boards::quecopen::Tls;

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int none = 0, kind_connect = 1, kind_connack = 2, kind_publish = 3, kind_puback = 4;
constexpr int kind_subscribe = 8, kind_suback = 9, kind_pingreq = 12, kind_pingresp = 13;
constexpr int kind_disconnect = 14;
constexpr int failed = -1;

struct Client {
  Network* network;
  int timeout_ms;
  unsigned char *out, *in;
  std::size_t out_bytes, in_bytes;
  std::size_t sent, heard;  // body's bytes in the buffers
  unsigned char head;       // of the packet in `in`
  unsigned short id;
  messageHandler handler;
  int keep_alive_ms;
  bool ping_waits;
  Clock::time_point spoke, pinged;
};
static_assert(sizeof(Client) <= sizeof(MQTTClient) && std::is_trivially_copyable_v<Client>);

Client& of(MQTTClient* client) { return *std::launder(reinterpret_cast<Client*>(client->opaque)); }
int& socket_of(Network* network) { return network->my_socket; }
Tls* tls_of(Network* network) { return static_cast<Tls*>(network->opaque[1]); }

bool ready(Client& client, Clock::time_point until) {
  if (Tls* tls = tls_of(client.network); tls != nullptr && tls->pending()) return true;
  const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
  pollfd file{socket_of(client.network), POLLIN, 0};
  return poll(&file, 1, static_cast<int>(std::max<std::int64_t>(left, 0))) == 1;
}

bool read_all(Client& client, unsigned char* out, std::size_t count) {
  const auto until = Clock::now() + milliseconds(client.timeout_ms);
  for (std::size_t at = 0; at < count;) {
    if (!ready(client, until)) return false;
    Tls* tls = tls_of(client.network);
    const ssize_t part = tls != nullptr ? tls->read(out + at, count - at)
                                        : recv(socket_of(client.network), out + at, count - at, 0);
    if (part <= 0) return false;
    at += static_cast<std::size_t>(part);
  }
  return true;
}

bool write_all(Client& client, const unsigned char* bytes, std::size_t count) {
  for (std::size_t at = 0; at < count;) {
    Tls* tls = tls_of(client.network);
    const ssize_t part = tls != nullptr
                             ? tls->write(bytes + at, count - at)
                             : send(socket_of(client.network), bytes + at, count - at, 0);
    if (part <= 0) return false;
    at += static_cast<std::size_t>(part);
  }
  return true;
}

void put(Client& client, const void* bytes, std::size_t count) {
  if (count > 0 && client.sent + count <= client.out_bytes)
    std::memcpy(client.out + client.sent, bytes, count);
  client.sent += count;
}

void put_number(Client& client, std::size_t number) {
  const unsigned char bytes[] = {static_cast<unsigned char>(number >> 8),
                                 static_cast<unsigned char>(number)};
  put(client, bytes, 2);
}

void put_text(Client& client, const char* text) {
  put_number(client, std::strlen(text));
  put(client, text, std::strlen(text));
}

// Sends what was put; the client's buffer bounds head and body together.
bool send_packet(Client& client, int kind, int flags) {
  std::string head(1, static_cast<char>(kind << 4 | flags));
  for (std::size_t left = client.sent;;) {
    const std::size_t part = left % 128;
    left /= 128;
    head += static_cast<char>(left > 0 ? part | 128 : part);
    if (left == 0) break;
  }
  const std::size_t body = client.sent;
  client.sent = 0;
  client.spoke = Clock::now();
  if (head.size() + body > client.out_bytes) return false;
  return write_all(client, reinterpret_cast<const unsigned char*>(head.data()), head.size()) &&
         write_all(client, client.out, body);
}

// The kind of the packet that came, `none` when none did in time, or `failed`.
int read_packet(Client& client, Clock::time_point until) {
  if (!ready(client, until)) return none;
  if (!read_all(client, &client.head, 1)) return failed;
  std::size_t bytes = 0;
  for (int shift = 0;; shift += 7) {
    unsigned char part = 0;
    if (shift > 21 || !read_all(client, &part, 1)) return failed;
    bytes |= static_cast<std::size_t>(part & 127) << shift;
    if ((part & 128) == 0) break;
  }
  client.heard = bytes;
  if (bytes > client.in_bytes || !read_all(client, client.in, bytes)) return failed;
  return client.head >> 4;
}

bool hear_publish(Client& client) {
  const int qos = client.head >> 1 & 3;
  if (client.heard < 2) return false;
  const std::size_t topic_chars = static_cast<std::size_t>(client.in[0]) << 8 | client.in[1];
  const std::size_t start = 2 + topic_chars + (qos > 0 ? 2U : 0U);
  if (start > client.heard) return false;
  MQTTString topic{};
  topic.lenstring = {static_cast<int>(topic_chars), reinterpret_cast<char*>(client.in + 2)};
  MQTTMessage message{};
  message.qos = qos == 0 ? QOS0 : QOS1;
  message.payload = client.in + start;
  message.payloadlen = client.heard - start;
  MessageData data{&message, &topic};
  if (client.handler != nullptr) client.handler(&data);
  if (qos == 0) return true;
  put(client, client.in + start - 2, 2);
  return send_packet(client, kind_puback, 0);
}

bool keep_alive(Client& client) {
  const auto now = Clock::now();
  if (client.ping_waits) return now - client.pinged < milliseconds(client.keep_alive_ms);
  if (now - client.spoke < milliseconds(client.keep_alive_ms / 2)) return true;
  client.ping_waits = true;
  client.pinged = now;
  return send_packet(client, kind_pingreq, 0);
}

// One packet, or the time's end.
int cycle(Client& client, Clock::time_point until) {
  const int kind = read_packet(client, until);
  if (kind == kind_publish && !hear_publish(client)) return failed;
  if (kind == kind_pingresp) client.ping_waits = false;
  return kind != failed && keep_alive(client) ? kind : failed;
}

unsigned short next_id(Client& client) {
  client.id = static_cast<unsigned short>(client.id == 65535 ? 1 : client.id + 1);
  return client.id;
}

bool wait_for(Client& client, int kind) {
  const auto until = Clock::now() + milliseconds(client.timeout_ms);
  while (Clock::now() < until) {
    const int came = cycle(client, until);
    if (came == kind) return true;
    if (came == failed) return false;
  }
  return false;
}

}  // namespace

extern "C" {

void NetworkInit(Network* network, SSLConfig* tls, int) { *network = {-1, {tls, nullptr}}; }

int NetworkConnect(Network* network, char* host, int port) {
  addrinfo wish{};
  addrinfo* found = nullptr;
  wish.ai_family = AF_INET;
  wish.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host, std::to_string(port).c_str(), &wish, &found) != 0) return failed;
  const int made = socket(AF_INET, SOCK_STREAM, 0);
  const int result = connect(made, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  const int at_once = 1;
  setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  const timeval patience{20, 0};
  setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  socket_of(network) = made;
  const auto* config = static_cast<const SSLConfig*>(network->opaque[0]);
  if (result == 0 && config->en != 0)
    network->opaque[1] = Tls::connect(made, *config).release();
  const bool good = result == 0 && (config->en == 0 || tls_of(network) != nullptr);
  if (!good) NetworkDisconnect(network);
  return good ? 0 : failed;
}

void NetworkDisconnect(Network* network) {
  delete tls_of(network);
  network->opaque[1] = nullptr;
  if (socket_of(network) >= 0) close(socket_of(network));
  socket_of(network) = -1;
}

void MQTTClientInit(MQTTClient* client, Network* network, unsigned int timeout_ms,
                    unsigned char* out, size_t out_bytes, unsigned char* in, size_t in_bytes) {
  auto* made = new (client->opaque) Client{};
  made->network = network;
  made->timeout_ms = static_cast<int>(timeout_ms);
  made->out = out;
  made->out_bytes = out_bytes;
  made->in = in;
  made->in_bytes = in_bytes;
}

void MQTTClientDeinit(MQTTClient*) {}

int MQTTConnect(MQTTClient* self, MQTTPacket_connectData* options) {
  Client& client = of(self);
  client.keep_alive_ms = options->keepAliveInterval * 1000;
  const int flags = (options->username.cstring != nullptr ? 128 : 0) |
                    (options->password.cstring != nullptr ? 64 : 0) |
                    (options->willFlag != 0 && options->will.retained != 0 ? 32 : 0) |
                    (options->willFlag != 0 ? options->will.qos << 3 | 4 : 0) |
                    (options->cleansession != 0 ? 2 : 0);
  put_text(client, "MQTT");
  const unsigned char head[] = {options->MQTTVersion, static_cast<unsigned char>(flags)};
  put(client, head, 2);
  put_number(client, options->keepAliveInterval);
  put_text(client, options->clientID.cstring);
  if (options->willFlag != 0) put_text(client, options->will.topicName.cstring);
  if (options->willFlag != 0) put_text(client, options->will.message.cstring);
  if (options->username.cstring != nullptr) put_text(client, options->username.cstring);
  if (options->password.cstring != nullptr) put_text(client, options->password.cstring);
  if (!send_packet(client, kind_connect, 0) || !wait_for(client, kind_connack)) return failed;
  return client.heard == 2 ? client.in[1] : failed;
}

int MQTTSubscribe(MQTTClient* self, const char* filter, enum QoS qos, messageHandler handler) {
  Client& client = of(self);
  client.handler = handler;
  put_number(client, next_id(client));
  put_text(client, filter);
  const auto level = static_cast<unsigned char>(qos);
  put(client, &level, 1);
  if (!send_packet(client, kind_subscribe, 2) || !wait_for(client, kind_suback)) return failed;
  return client.heard == 3 && client.in[2] <= 2 ? 0 : failed;
}

int MQTTPublish(MQTTClient* self, const char* topic, MQTTMessage* message) {
  Client& client = of(self);
  put_text(client, topic);
  if (message->qos != QOS0) put_number(client, next_id(client));
  put(client, message->payload, message->payloadlen);
  const int flags = static_cast<int>(message->qos) << 1 | (message->retained != 0 ? 1 : 0);
  if (!send_packet(client, kind_publish, flags)) return failed;
  return message->qos == QOS0 || wait_for(client, kind_puback) ? 0 : failed;
}

int MQTTDisconnect(MQTTClient* self) {
  return send_packet(of(self), kind_disconnect, 0) ? 0 : failed;
}

int MQTTYield(MQTTClient* self, int ms) {
  const auto until = Clock::now() + milliseconds(ms);
  do {
    if (cycle(of(self), until) == failed) return failed;
  } while (Clock::now() < until);
  return 0;
}
}
