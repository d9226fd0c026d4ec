// Photos in an S3 bucket, one request each, signed (AWS Signature Version 4) with the SHA-256 of
// the bytes, which the server checks. libcurl stays in s3.cpp. Keys go into signatures alone: no
// log, no error text has them.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "server/photo/objects.h"

namespace meterlens::photo {

struct S3Settings {
  std::string address;    // https://HOST[:PORT]
  std::string bucket;
  std::string prefix;     // without / at its ends; may be empty
  std::string region = "us-east-1";
  std::string key_id;
  std::string secret;
  std::string ca_file;    // empty: the system's
  int timeout_ms = 10'000;     // of one request
  int tries_max = 4;           // of one object
  int pause_ms_first = 200;    // before the second try; doubled each time
  int requests_max = 16;       // at the same time, of one put()
};

// Of s3:https://HOST[:PORT]/BUCKET[/PREFIX]; http on this machine only. Keys are not in it.
std::expected<S3Settings, std::string> parse_s3(const std::string& place);

std::shared_ptr<Objects> open_s3(const S3Settings& settings);

}  // namespace meterlens::photo
