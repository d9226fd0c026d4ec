// Inside notify/: libcurl asks while it waits. Any thread.
#pragma once

#include <curl/curl.h>

#include <atomic>

namespace meterlens::notify {

// `stopping`: a std::atomic<bool>, from CURLOPT_XFERINFODATA.
inline int give_up(void* stopping, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(stopping)->load() ? 1 : 0;
}

}  // namespace meterlens::notify
