// Tells an address of the user's by HTTP: JSON, signed when there is a secret.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/notify/settings.h"
#include "server/notify/sink.h"

namespace meterlens::notify {

// `store` outlives it.
std::unique_ptr<Sink> make_webhook(const WebhookSettings& settings, store::Store& store);

// Value of the header Meterlens-Signature: "t=<s>,v1=<hex>", where hex is HMAC-SHA256 with the
// secret of "<s>." and the body, and s the Unix time. A receiver that checks s is safe from
// requests that are played again.
std::string signature(std::string_view secret, std::int64_t unix_s, std::string_view body);

}  // namespace meterlens::notify
