// TLS 1.2 of the stand-in, by OpenSSL: one side of a connected socket, as an SSLConfig wants it.
// Blocking; a handshake or read that makes no progress ends after the socket's own time-out. One
// thread a connection.
#pragma once

#include <cstddef>
#include <memory>

#include "boards/ec600s/quecopen/sdk.h"

namespace meterlens::boards::quecopen {

class Tls {
 public:
  // Null: files that are none, or a peer that is not trusted; why is printed.
  static std::unique_ptr<Tls> connect(int socket, const SSLConfig& config);
  virtual ~Tls() = default;
  // As recv and send.
  virtual long read(unsigned char* out, std::size_t bytes_max) = 0;
  virtual long write(const unsigned char* bytes, std::size_t count) = 0;
  // Something was taken from the socket that was not read yet.
  virtual bool pending() const = 0;
};

}  // namespace meterlens::boards::quecopen
