// Tells people by e-mail of alarms: one message for all that came since the last.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "server/notify/settings.h"
#include "server/notify/sink.h"

namespace meterlens::notify {

// `host` names this server in the texts.
std::unique_ptr<Sink> make_email(const EmailSettings& settings, const std::string& host);

// Head and body of the message as they go over the wire, before dots are doubled. No text can add
// a line to the head.
std::string email_text(const EmailSettings& settings, const std::string& host,
                       std::span<const store::News> news, std::int64_t now_ms);

}  // namespace meterlens::notify
