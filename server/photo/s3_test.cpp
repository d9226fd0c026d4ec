// What settings may name as a photo store; requests are judged in tests/flow/photo_store_flow.py.
#include "server/photo/s3.h"

#include <gtest/gtest.h>

namespace meterlens::photo {
namespace {

TEST(S3, APlaceHasAddressBucketAndPrefix) {
  struct Row {
    const char* place;
    const char* address;
    const char* bucket;
    const char* prefix;
  };
  const Row table[] = {
      {"s3:https://s3.example.net/meters", "https://s3.example.net", "meters", ""},
      {"s3:https://s3.example.net:9000/meters/a/b/", "https://s3.example.net:9000", "meters",
       "a/b"},
      {"s3:http://127.0.0.1:9000/m/x", "http://127.0.0.1:9000", "m", "x"},
      {"s3:http://[::1]:9000/m", "http://[::1]:9000", "m", ""},
  };
  for (const Row& row : table) {
    const auto found = parse_s3(row.place);
    ASSERT_TRUE(found) << row.place << ": " << found.error();
    EXPECT_EQ(found->address, row.address);
    EXPECT_EQ(found->bucket, row.bucket);
    EXPECT_EQ(found->prefix, row.prefix);
  }
}

TEST(S3, WhatIsNoPlaceIsRefusedWithoutItsSecrets) {
  for (const char* place :
       {"", "file:x", "s3:", "s3:bucket", "s3:https://", "s3:https://host", "s3:https://host//x",
        "s3:http://s3.example.net/b", "s3:http://localhost.example.net/b", "s3:ftp://host/b",
        "s3:https://key:word@host/b", "s3:https://host/b?x=1", "s3:https://host/b/../c",
        "s3:https://host/b%2f", "s3:https://host/b c"}) {
    const auto found = parse_s3(place);
    ASSERT_FALSE(found) << place;
    EXPECT_EQ(found.error().find("word"), std::string::npos) << found.error();
  }
}

TEST(S3, AnObjectIsNotAskedForWhereItIsNot) {
  const auto read = reader_of(nullptr);
  const auto bytes = read("s3://meters/images/a.jpg", 10);
  ASSERT_FALSE(bytes);
  EXPECT_NE(bytes.error().message.find("[store]"), std::string::npos);

  S3Settings settings;
  settings.address = "http://127.0.0.1:1";
  settings.bucket = "meters";
  settings.prefix = "a";
  settings.tries_max = 1;
  const auto beside = reader_of(open_s3(settings))("s3://meters/ab/x.jpg", 10);
  ASSERT_FALSE(beside);
  EXPECT_EQ(beside.error().code, FileErrorCode::failed);
}

}  // namespace
}  // namespace meterlens::photo
