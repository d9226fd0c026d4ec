#include "boards/ec600s/quecopen/config.h"

#include <stddef.h>
#include <string.h>

typedef struct Text {
  const char* at;
  size_t chars;
} Text;

typedef struct Key {
  const char* name;
  const char* (*take)(MeterlensConfig* config, Text value, size_t to);
  size_t to; /* where a text lies in the configuration */
} Key;

static bool is(Text text, const char* word) {
  return strlen(word) == text.chars && memcmp(text.at, word, text.chars) == 0;
}

static Text trimmed(Text text) {
  while (text.chars > 0 && (*text.at == ' ' || *text.at == '\t')) {
    ++text.at;
    --text.chars;
  }
  while (text.chars > 0 && memchr(" \t\r", text.at[text.chars - 1], 3) != NULL) --text.chars;
  return text;
}

static const char* copy(Text value, char* out, size_t chars_max) {
  if (value.chars > chars_max) return "the value is too long";
  for (size_t i = 0; i < value.chars; ++i)
    if (value.at[i] < 0x20 || value.at[i] > 0x7E) return "the value is not printable ASCII";
  memcpy(out, value.at, value.chars);
  out[value.chars] = '\0';
  return NULL;
}

static bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

static const char* copy_name(Text value, char* out, size_t chars_max) {
  if (value.chars == 0 || value.at[0] == '.') return "this is no name";
  for (size_t i = 0; i < value.chars; ++i)
    if (!is_name_char(value.at[i])) return "a name has A-Z a-z 0-9 . _ - only";
  return copy(value, out, chars_max);
}

/* 0: no number, or above the limit. */
static uint32_t number(Text text, uint32_t limit) {
  uint32_t value = 0;
  for (size_t i = 0; i < text.chars; ++i) {
    if (text.at[i] < '0' || text.at[i] > '9' || value > limit / 10) return 0;
    value = value * 10 + (uint32_t)(text.at[i] - '0');
  }
  return value <= limit ? value : 0;
}

static const char* take_broker(MeterlensConfig* config, Text value, size_t to) {
  (void)to;
  const char* colon = memchr(value.at, ':', value.chars);
  if (colon != NULL) {
    const size_t before = (size_t)(colon - value.at);
    config->port = (uint16_t)number((Text){colon + 1, value.chars - before - 1}, 65535);
    if (config->port == 0) return "the port is no number from 1 to 65535";
    value.chars = before;
  }
  return copy_name(value, config->host, METERLENS_CONFIG_HOST_CHARS_MAX);
}

static const char* take_name(MeterlensConfig* config, Text value, size_t to) {
  return copy_name(value, (char*)config + to, METERLENS_CONFIG_NAME_CHARS_MAX);
}

static const char* take_login(MeterlensConfig* config, Text value, size_t to) {
  return copy(value, (char*)config + to, METERLENS_CONFIG_LOGIN_CHARS_MAX);
}

static const char* take_dialect(MeterlensConfig* config, Text value, size_t to) {
  (void)to;
  config->smartdtu = is(value, "smartdtu");
  return config->smartdtu || is(value, "native") ? NULL : "the dialect is native or smartdtu";
}

static const char* take_baud_max(MeterlensConfig* config, Text value, size_t to) {
  (void)to;
  config->baud_max = number(value, 921600);
  return config->baud_max >= 115200 ? NULL : "baud_max is from 115200 to 921600";
}

static const Key keys[] = {
    {"broker", take_broker, 0},
    {"dialect", take_dialect, 0},
    {"baud_max", take_baud_max, 0},
    {"device", take_name, offsetof(MeterlensConfig, device)},
    {"product", take_name, offsetof(MeterlensConfig, product)},
    {"apn", take_name, offsetof(MeterlensConfig, apn)},
    {"ca", take_name, offsetof(MeterlensConfig, ca)},
    {"certificate", take_name, offsetof(MeterlensConfig, certificate)},
    {"key", take_name, offsetof(MeterlensConfig, key)},
    {"user", take_login, offsetof(MeterlensConfig, user)},
    {"password", take_login, offsetof(MeterlensConfig, password)},
};
enum { key_count = sizeof(keys) / sizeof(keys[0]) };

static const char* take_line(MeterlensConfig* config, Text line, uint32_t* seen) {
  const char* equals = memchr(line.at, '=', line.chars);
  if (equals == NULL) return "the line is not of the form key = value";
  const size_t before = (size_t)(equals - line.at);
  const Text name = trimmed((Text){line.at, before});
  const Text value = trimmed((Text){equals + 1, line.chars - before - 1});
  for (uint32_t i = 0; i < key_count; ++i) {
    if (!is(name, keys[i].name)) continue;
    if ((*seen >> i & 1U) != 0) return "the key is given twice";
    *seen |= 1U << i;
    return keys[i].take(config, value, keys[i].to);
  }
  return "the key is not known";
}

static const char* wrong_as_a_whole(const MeterlensConfig* config) {
  if (config->host[0] == '\0') return "broker is missing";
  if (config->device[0] == '\0') return "device is missing";
  if (config->smartdtu && config->product[0] == '\0') return "smartdtu needs a product";
  if ((config->certificate[0] == '\0') != (config->key[0] == '\0'))
    return "certificate and key belong together";
  /* Whoever names a certificate wants TLS: nothing may cross the network in the clear then. */
  if (config->certificate[0] != '\0' && config->ca[0] == '\0') return "certificate needs a ca";
  return NULL;
}

const char* meterlens_config_read(const char* text, size_t bytes, MeterlensConfig* out,
                                  uint32_t* line) {
  uint32_t seen = 0;
  size_t at = 0;
  *line = 1;
  memset(out, 0, sizeof *out);
  out->baud_max = 115200;
  if (bytes > METERLENS_CONFIG_BYTES_MAX) return "the file is too long";
  for (; at < bytes; ++*line) {
    const char* end = memchr(text + at, '\n', bytes - at);
    /* `end` itself may be the file's last bytes, or be followed by its line's end only. */
    const size_t chars = end == NULL ? bytes - at : (size_t)(end - (text + at));
    const Text whole = trimmed((Text){text + at, chars});
    at += chars + (end != NULL);
    if (whole.chars == 0 || whole.at[0] == '#') continue;
    if (is(whole, "end")) {
      if (out->port == 0) out->port = out->ca[0] != '\0' ? 8883 : 1883;
      return at == bytes ? wrong_as_a_whole(out) : "something follows `end`";
    }
    const char* wrong = take_line(out, whole, &seen);
    if (wrong != NULL) return wrong;
  }
  return "the last line, `end`, is missing: the file is torn";
}
