// A DTU's own password at the broker: kept in its state folder, and asked for once by showing the
// server the secret that all devices of a product know (SPEC.md section 12). libcurl stays in the
// .cpp file.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

namespace meterlens::boards {

struct RegistrationOptions {
  std::string server;   // http://HOST:PORT or https://HOST:PORT; empty: none is asked
  std::string product;
  std::string secret;
  std::string ca_file;  // of a server with a certificate of its own; empty: the system's
};

// The password in `state`, empty when there is none; the folder need not exist.
std::string kept_password(const std::filesystem::path& state);

// The password of `device`. Without one in `state`, makes one and registers it; it is on the disk
// before the server hears of it, so an answer that is lost or a power cut costs nothing. While the
// server cannot be reached it is asked again and again; the error is the server's refusal, or a
// folder that cannot be written.
std::expected<std::string, std::string> registered_password(const std::filesystem::path& state,
                                                            const std::string& device,
                                                            const RegistrationOptions& options);

}  // namespace meterlens::boards
