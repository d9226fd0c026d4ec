/* Paho's client waits for the acknowledgement of every publish, so it has a task of its own. The
 * core's task leaves messages and wishes under the mutex; the network's task serves them, one after
 * the other, and never holds the mutex while it calls the SDK. */
#include <string.h>

#include "boards/ec600s/quecopen/board.h"
#include "boards/ec600s/quecopen/sdk.h"
#include "boards/ec600s/quecopen/text.h"

enum {
  slot_count = 4,
  packet_bytes_max = METERLENS_DTU_MESSAGE_BYTES_MAX + METERLENS_DTU_TOPIC_CHARS_MAX + 16,
  command_timeout_ms = 20000,
  /* A publish waits for the end of a yield: short while messages come, else it saves power. */
  yield_busy_ms = 10,
  yield_idle_ms = 50,
  busy_ms = 2000,
  look_ms = 60000,
  failures_before_new_call = 3,
  core_silent_ms_max = 120000,
  stack_bytes = 8192,
  priority = 100,
};

typedef struct Slot {
  char topic[METERLENS_DTU_TOPIC_CHARS_MAX + 1];
  uint8_t payload[METERLENS_DTU_MESSAGE_BYTES_MAX];
  size_t topic_chars, bytes;
  uint8_t qos;
  bool retain;
} Slot;

/* One task puts, another takes: the front belongs to the taker until it is popped. */
typedef struct Slots {
  Slot slot[slot_count];
  uint32_t first, count;
} Slots;

typedef struct Login {
  char client_id[METERLENS_DTU_TOPIC_CHARS_MAX + 1];
  char user[METERLENS_CONFIG_LOGIN_CHARS_MAX + 1];
  char password[METERLENS_CONFIG_LOGIN_CHARS_MAX + 1];
  char will_topic[METERLENS_DTU_TOPIC_CHARS_MAX + 1]; /* empty: no will */
  char will_payload[64];
  uint16_t keep_alive_s;
  bool clean_session;
} Login;

static ql_mutex_t mutex;
static ql_sem_t something_to_do;

/* Under the mutex. */
static struct {
  Slots up, down;
  MeterlensMqttState state;
  uint32_t attempt; /* rises with every wish to connect or to end */
  bool wanted;
  Login login;
  bool subscribe;
  char filter[METERLENS_DTU_TOPIC_CHARS_MAX + 1];
  uint8_t filter_qos;
  MeterlensRadio radio;
  uint32_t dropped; /* messages from the broker: too long, or no slot was free */
  uint64_t network_alive_ms, core_alive_ms;
} shared;

typedef char Path[METERLENS_CONFIG_NAME_CHARS_MAX + 8];

/* The network's task's own. */
static struct {
  MQTTClient client;
  Network network;
  SSLConfig tls;
  char host[METERLENS_CONFIG_HOST_CHARS_MAX + 1];
  Path ca, certificate, key;
  Login login;
  char filter[METERLENS_DTU_TOPIC_CHARS_MAX + 1];
  unsigned char send_buffer[packet_bytes_max], read_buffer[packet_bytes_max];
  const MeterlensConfig* config;
  uint32_t attempt;
  bool connected;
  uint32_t failures;
  uint64_t busy_until_ms, look_due_ms;
} own;

static void lock(void) { ql_rtos_mutex_lock(mutex, QL_WAIT_FOREVER); }
static void unlock(void) { ql_rtos_mutex_unlock(mutex); }

static bool copy_text(const char* from, char* out, size_t bytes) {
  const size_t chars = from == NULL ? 0 : strlen(from);
  if (chars >= bytes) return false;
  if (chars > 0) memcpy(out, from, chars);
  out[chars] = '\0';
  return true;
}

/* The slot to fill, with the mutex held; NULL: all are taken. */
static Slot* free_slot(Slots* slots) {
  if (slots->count == slot_count) return NULL;
  return &slots->slot[(slots->first + slots->count) % slot_count];
}

static Slot* front(Slots* slots) {
  lock();
  Slot* slot = slots->count > 0 ? &slots->slot[slots->first] : NULL;
  unlock();
  return slot;
}

static void pop(Slots* slots) {
  lock();
  slots->first = (slots->first + 1) % slot_count;
  --slots->count;
  unlock();
}

/* ---- the core's task ---- */

static void wish(bool wanted) {
  ++shared.attempt;
  shared.wanted = wanted;
  shared.subscribe = false;
  shared.state = wanted ? METERLENS_MQTT_CONNECTING : METERLENS_MQTT_DOWN;
}

static bool copy_login(const MeterlensMqttLogin* from, Login* out) {
  out->keep_alive_s = from->keep_alive_s;
  out->clean_session = from->clean_session;
  return copy_text(from->client_id, out->client_id, sizeof out->client_id) &&
         copy_text(from->user, out->user, sizeof out->user) &&
         copy_text(from->password, out->password, sizeof out->password) &&
         copy_text(from->will_topic, out->will_topic, sizeof out->will_topic) &&
         copy_text(from->will_payload, out->will_payload, sizeof out->will_payload);
}

static void mqtt_connect(void* context, const MeterlensMqttLogin* login) {
  (void)context;
  lock();
  wish(copy_login(login, &shared.login));
  unlock();
  ql_rtos_semaphore_release(something_to_do);
}

static void mqtt_disconnect(void* context) {
  (void)context;
  lock();
  wish(false);
  unlock();
  ql_rtos_semaphore_release(something_to_do);
}

static MeterlensMqttState mqtt_state(void* context) {
  (void)context;
  lock();
  const MeterlensMqttState state = shared.state;
  unlock();
  return state;
}

static bool mqtt_subscribe(void* context, const char* topic, uint8_t qos) {
  (void)context;
  lock();
  const bool taken =
      shared.state == METERLENS_MQTT_UP && copy_text(topic, shared.filter, sizeof shared.filter);
  shared.filter_qos = qos;
  shared.subscribe = taken;
  unlock();
  ql_rtos_semaphore_release(something_to_do);
  return taken;
}

static bool mqtt_publish(void* context, const char* topic, const void* payload, uint32_t bytes,
                         uint8_t qos, bool retain) {
  (void)context;
  lock();
  Slot* slot = shared.state == METERLENS_MQTT_UP ? free_slot(&shared.up) : NULL;
  const bool taken = slot != NULL && bytes <= sizeof slot->payload &&
                     copy_text(topic, slot->topic, sizeof slot->topic);
  if (taken) {
    memcpy(slot->payload, payload, bytes);
    slot->bytes = bytes;
    slot->qos = qos;
    slot->retain = retain;
    ++shared.up.count;
  }
  unlock();
  if (taken) ql_rtos_semaphore_release(something_to_do);
  return taken;
}

static uint32_t mqtt_unacknowledged(void* context) {
  (void)context;
  lock();
  const uint32_t count = shared.up.count;
  unlock();
  return count;
}

static uint64_t mqtt_unix_ms(void* context) {
  (void)context;
  return meterlens_network_unix_ms();
}

static uint32_t mqtt_health(void* context, char* out, uint32_t chars) {
  (void)context;
  size_t at = 0;
  if (chars < 128) return 0;
  lock();
  const MeterlensRadio radio = shared.radio;
  const uint32_t dropped = shared.dropped;
  unlock();
  at += put_text(out + at, ",\"imei\":\"");
  at += put_text(out + at, radio.imei);
  at += put_text(out + at, "\"");
  if (radio.iccid[0] != '\0') {
    at += put_text(out + at, ",\"iccid\":\"");
    at += put_text(out + at, radio.iccid);
    at += put_text(out + at, "\"");
  }
  if (radio.dbm < 0) {
    at += put_text(out + at, ",\"signal_dbm\":-");
    at += put_number(out + at, (uint32_t)-radio.dbm);
  }
  at += put_text(out + at, ",\"mqtt_dropped\":");
  at += put_number(out + at, dropped);
  return (uint32_t)at;
}

MeterlensMqtt meterlens_mqtt_port(void) {
  return (MeterlensMqtt){.connect = mqtt_connect,
                         .disconnect = mqtt_disconnect,
                         .state = mqtt_state,
                         .subscribe = mqtt_subscribe,
                         .publish = mqtt_publish,
                         .unacknowledged = mqtt_unacknowledged,
                         .unix_ms = mqtt_unix_ms,
                         .health = mqtt_health};
}

void meterlens_mqtt_deliver(MeterlensDtu* dtu) {
  for (const Slot* slot; (slot = front(&shared.down)) != NULL; pop(&shared.down))
    meterlens_dtu_mqtt_in(dtu, slot->topic, slot->topic_chars, slot->payload, slot->bytes,
                          meterlens_uptime_ms());
}

uint64_t meterlens_mqtt_alive_ms(void) {
  const uint64_t now_ms = meterlens_uptime_ms();
  lock();
  shared.core_alive_ms = now_ms;
  const uint64_t alive_ms = shared.network_alive_ms;
  unlock();
  return alive_ms;
}

/* ---- the network's task ---- */

/* Paho's handlers have no context; there is one DTU in a module. */
static void hear(MessageData* data) {
  const MQTTString* topic = data->topicName;
  const char* chars = topic->cstring != NULL ? topic->cstring : topic->lenstring.data;
  const size_t count =
      topic->cstring != NULL ? strlen(topic->cstring) : (size_t)topic->lenstring.len;
  own.busy_until_ms = meterlens_uptime_ms() + busy_ms;
  lock();
  Slot* slot = free_slot(&shared.down);
  if (slot == NULL || count >= sizeof slot->topic ||
      data->message->payloadlen > sizeof slot->payload) {
    ++shared.dropped;
  } else {
    memcpy(slot->topic, chars, count);
    slot->topic_chars = count;
    if (data->message->payloadlen > 0)
      memcpy(slot->payload, data->message->payload, data->message->payloadlen);
    slot->bytes = data->message->payloadlen;
    ++shared.down.count;
  }
  unlock();
  meterlens_wake();
}

/* What became of the wish, unless there is a newer one. */
static void tell(MeterlensMqttState state) {
  lock();
  if (shared.attempt == own.attempt) shared.state = state;
  unlock();
  meterlens_wake();
}

static void hang_up(bool politely) {
  if (own.connected && politely) MQTTDisconnect(&own.client);
  if (own.connected) {
    NetworkDisconnect(&own.network);
    MQTTClientDeinit(&own.client);
  }
  own.connected = false;
}

/* Always false. */
static bool fail(const char* what) {
  METERLENS_LOG(what);
  hang_up(false);
  if (++own.failures % failures_before_new_call == 0) meterlens_network_drop();
  tell(METERLENS_MQTT_DOWN);
  return false;
}

static MQTTPacket_connectData connect_options(void) {
  MQTTPacket_connectData options = MQTTPacket_connectData_initializer;
  options.MQTTVersion = 4;
  options.clientID.cstring = own.login.client_id;
  options.keepAliveInterval = own.login.keep_alive_s;
  options.cleansession = own.login.clean_session;
  if (own.login.user[0] != '\0') options.username.cstring = own.login.user;
  if (own.login.password[0] != '\0') options.password.cstring = own.login.password;
  if (own.login.will_topic[0] == '\0') return options;
  options.willFlag = 1;
  options.will.topicName.cstring = own.login.will_topic;
  options.will.message.cstring = own.login.will_payload;
  options.will.qos = 1;
  options.will.retained = 1;
  return options;
}

/* false: the module has no such file. */
static bool find_file(const char* name, char* path, size_t bytes) {
  char first;
  return meterlens_files_path(name, path, bytes) && meterlens_files_read(name, &first, 1) == 1;
}

/* NULL, or what is missing. */
static const char* prepare_tls(const MeterlensConfig* config) {
  memset(&own.tls, 0, sizeof own.tls);
  memcpy(own.host, config->host, sizeof own.host);
  if (config->ca[0] == '\0') return NULL;
  if (!find_file(config->ca, own.ca, sizeof own.ca)) return "tls: the file of `ca` is missing";
  own.tls.en = 1;
  own.tls.profileIdx = METERLENS_PROFILE;
  own.tls.serverName = own.host;
  own.tls.serverPort = config->port;
  own.tls.vsn = SSL_VSN_TLSV12;
  own.tls.verify = SSL_VERIFY_MODE_REQUIRED;
  own.tls.cert.from = SSL_CERT_FROM_FS;
  own.tls.cert.path.rootCA = own.ca;
  own.tls.cipherList = "ALL";
  if (config->certificate[0] == '\0') return NULL;
  if (!find_file(config->certificate, own.certificate, sizeof own.certificate))
    return "tls: the file of `certificate` is missing";
  if (!find_file(config->key, own.key, sizeof own.key)) return "tls: the file of `key` is missing";
  own.tls.cert.path.clientCert = own.certificate;
  own.tls.cert.path.clientKey = own.key;
  return NULL;
}

static bool call_broker(void) {
  if (!meterlens_network_up(own.config)) return fail("mqtt: no network");
  const char* missing = prepare_tls(own.config);
  if (missing != NULL) return fail(missing);
  NetworkInit(&own.network, &own.tls, METERLENS_PROFILE);
  if (NetworkConnect(&own.network, own.host, own.config->port) != 0)
    return fail(own.tls.en != 0 ? "mqtt: the broker cannot be reached, or tls does not trust it"
                                : "mqtt: the broker cannot be reached");
  own.connected = true;
  MQTTClientInit(&own.client, &own.network, command_timeout_ms, own.send_buffer,
                 sizeof own.send_buffer, own.read_buffer, sizeof own.read_buffer);
  MQTTPacket_connectData options = connect_options();
  if (MQTTConnect(&own.client, &options) != 0) return fail("mqtt: the broker refused the login");
  METERLENS_LOG("mqtt: connected");
  own.failures = 0;
  tell(METERLENS_MQTT_UP);
  return true;
}

/* Begins with what was left for an earlier connection thrown away: the transfer sends it again. */
static void serve_wish(void) {
  lock();
  const bool is_new = shared.attempt != own.attempt;
  const bool wanted = shared.wanted;
  own.attempt = shared.attempt;
  if (is_new) own.login = shared.login;
  if (is_new) shared.up.count = 0;
  unlock();
  if (!is_new) return;
  hang_up(true);
  if (wanted) call_broker();
}

static void serve_subscription(void) {
  lock();
  const bool wanted = shared.subscribe && shared.attempt == own.attempt;
  const enum QoS qos = shared.filter_qos == 0 ? QOS0 : QOS1;
  if (wanted) memcpy(own.filter, shared.filter, sizeof own.filter);
  if (wanted) shared.subscribe = false;
  unlock();
  if (wanted && MQTTSubscribe(&own.client, own.filter, qos, hear) != 0)
    fail("mqtt: the broker refused the subscription");
}

static void serve_messages(void) {
  Slot* slot = front(&shared.up);
  const uint64_t now_ms = meterlens_uptime_ms();
  if (slot == NULL) {
    const int ms = now_ms < own.busy_until_ms ? yield_busy_ms : yield_idle_ms;
    if (MQTTYield(&own.client, ms) != 0) fail("mqtt: connection lost");
    return;
  }
  MQTTMessage message;
  memset(&message, 0, sizeof message);
  message.qos = slot->qos == 0 ? QOS0 : QOS1;
  message.retained = slot->retain;
  message.payload = slot->payload;
  message.payloadlen = slot->bytes;
  if (MQTTPublish(&own.client, slot->topic, &message) != 0) {
    fail("mqtt: a message was not acknowledged");
    return;
  }
  pop(&shared.up);
  own.busy_until_ms = now_ms + busy_ms;
  meterlens_wake();
}

static void keep_watch(void) {
  const uint64_t now_ms = meterlens_uptime_ms();
  lock();
  shared.network_alive_ms = now_ms;
  const uint64_t core_alive_ms = shared.core_alive_ms;
  unlock();
  if (now_ms > core_alive_ms + core_silent_ms_max) ql_power_reset();
  if (now_ms < own.look_due_ms) return;
  MeterlensRadio radio;
  meterlens_network_look(&radio);
  lock();
  shared.radio = radio;
  unlock();
  own.look_due_ms = now_ms + look_ms;
}

static void run(void* argument) {
  (void)argument;
  while (true) {
    keep_watch();
    serve_wish();
    if (own.connected) serve_subscription();
    if (own.connected)
      serve_messages();
    else
      ql_rtos_semaphore_wait(something_to_do, 1000);
  }
}

bool meterlens_mqtt_start(const MeterlensConfig* config) {
  ql_task_t task;
  own.config = config;
  shared.network_alive_ms = shared.core_alive_ms = meterlens_uptime_ms();
  if (ql_rtos_mutex_create(&mutex) != 0) return false;
  if (ql_rtos_semaphore_create(&something_to_do, 0) != 0) return false;
  /* The first status tells what is known already. */
  meterlens_network_look(&shared.radio);
  own.look_due_ms = meterlens_uptime_ms() + look_ms;
  return ql_rtos_task_create(&task, stack_bytes, priority, "meterlens_mqtt", run, NULL) == 0;
}
