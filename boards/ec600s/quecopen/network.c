#include <string.h>

#include "boards/ec600s/quecopen/board.h"
#include "boards/ec600s/quecopen/sdk.h"

enum { ipv4 = 0, register_wait_s = 120, known_year = 2024 };

static bool call_is_up;

bool meterlens_network_up(const MeterlensConfig* config) {
  if (call_is_up) return true;
  if (ql_network_register_wait(register_wait_s) != 0) {
    METERLENS_LOG("network: not registered");
    return false;
  }
  char apn[METERLENS_CONFIG_NAME_CHARS_MAX + 1];
  memcpy(apn, config->apn, sizeof apn);
  call_is_up = ql_start_data_call(METERLENS_PROFILE, ipv4, apn[0] != '\0' ? apn : NULL, NULL, NULL,
                                  0) == 0;
  METERLENS_LOG(call_is_up ? "network: data call is up" : "network: no data call");
  return call_is_up;
}

void meterlens_network_drop(void) {
  if (call_is_up) ql_stop_data_call(METERLENS_PROFILE);
  call_is_up = false;
}

/* Foreign text: digits only, else it is not known. */
static bool are_digits(const char* text, size_t chars) {
  for (size_t i = 0; i < chars; ++i)
    if (text[i] < '0' || text[i] > '9') return false;
  return text[chars] == '\0';
}

void meterlens_network_look(MeterlensRadio* radio) {
  unsigned char csq = 99;
  memset(radio, 0, sizeof *radio);
  if (ql_dev_get_imei(radio->imei, sizeof radio->imei) != 0 || !are_digits(radio->imei, 15))
    memcpy(radio->imei, "000000000000000", sizeof radio->imei);
  if (ql_sim_get_iccid(radio->iccid, sizeof radio->iccid) != 0 ||
      (!are_digits(radio->iccid, 19) && !are_digits(radio->iccid, 20)))
    radio->iccid[0] = '\0';
  if (ql_nw_get_csq(&csq) == 0 && csq <= 31) radio->dbm = -113 + 2 * csq;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar from 1970 on. */
static uint32_t days_until(uint32_t year, uint32_t month, uint32_t day) {
  static const uint16_t before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  const uint32_t leap_years = (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 - 477;
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return (year - 1970) * 365 + leap_years + before_month[month - 1] + day - 1 +
         (leap && month > 2 ? 1 : 0);
}

uint64_t meterlens_network_unix_ms(void) {
  ql_rtc_time_t now;
  memset(&now, 0, sizeof now);
  if (ql_rtc_get_time(&now) != 0) return 0;
  if (now.tm_year < known_year || now.tm_year > 2105 || now.tm_mon < 1 || now.tm_mon > 12 ||
      now.tm_mday < 1 || now.tm_mday > 31 || now.tm_hour < 0 || now.tm_hour > 23 ||
      now.tm_min < 0 || now.tm_min > 59 || now.tm_sec < 0 || now.tm_sec > 60)
    return 0;
  const uint32_t days =
      days_until((uint32_t)now.tm_year, (uint32_t)now.tm_mon, (uint32_t)now.tm_mday);
  const uint32_t seconds = (uint32_t)(now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec);
  return ((uint64_t)days * 86400 + seconds) * 1000;
}
