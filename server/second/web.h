// One HTTP POST of a form, bounded in time and bytes. libcurl stays in web.cpp. Any thread. Error
// texts never have the address, which may bear secrets.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

namespace meterlens::second {

struct Post {
  std::string url;
  std::string form;  // URL-encoded
  std::int64_t timeout_ms = 10'000;
  std::size_t answer_bytes_max = 1 << 20;
};

struct Reply {
  int status = 0;
  std::string body;
};

// `stopping`: gives up within a second once it is true. No redirect is followed; certificates are
// checked.
std::expected<Reply, std::string> post(const Post& post, const std::atomic<bool>& stopping);

// As the value of a form's field.
std::string url_encoded(const std::string& text);

}  // namespace meterlens::second
