// Certificates for TLS: read and judged before anything listens with them. OpenSSL stays in the
// .cpp file.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace meterlens::door {

struct Certificate {
  std::string chain;  // PEM: the server's own certificate first, then those between it and the root
  std::string key;    // PEM, without a passphrase
};

// The error names the file, what is wrong (missing, no PEM, not yet valid, expired, key of another
// certificate) and what to do.
std::expected<Certificate, std::string> read_certificate(const std::string& chain_file,
                                                         const std::string& key_file,
                                                         std::int64_t now_s);

}  // namespace meterlens::door
