#include "boards/ec600s/quecopen/stand_in/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <string>
#include <utility>

#include "boards/ec600s/quecopen/stand_in/stand_in.h"

namespace meterlens::boards::quecopen {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
};

class Session : public Tls {
 public:
  Session(std::unique_ptr<SSL_CTX, Free> context, std::unique_ptr<SSL, Free> session)
      : context_(std::move(context)), session_(std::move(session)) {}

  long read(unsigned char* out, std::size_t bytes_max) override {
    return SSL_read(session_.get(), out, static_cast<int>(bytes_max));
  }
  long write(const unsigned char* bytes, std::size_t count) override {
    return SSL_write(session_.get(), bytes, static_cast<int>(count));
  }
  bool pending() const override { return SSL_pending(session_.get()) > 0; }

 private:
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> session_;
};

bool take_files(SSL_CTX* context, const SSLConfig& config) {
  const SSLCertPath& path = config.cert.path;
  if (config.cert.from != SSL_CERT_FROM_FS || path.rootCA == nullptr) return false;
  if (SSL_CTX_load_verify_locations(context, file_path(path.rootCA).c_str(), nullptr) != 1)
    return false;
  if (path.clientCert == nullptr) return true;
  return SSL_CTX_use_certificate_file(context, file_path(path.clientCert).c_str(),
                                      SSL_FILETYPE_PEM) == 1 &&
         SSL_CTX_use_PrivateKey_file(context, file_path(path.clientKey).c_str(),
                                     SSL_FILETYPE_PEM) == 1;
}

}  // namespace

std::unique_ptr<Tls> Tls::connect(int socket, const SSLConfig& config) {
  std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(TLS_client_method()));
  const bool verify = config.verify == SSL_VERIFY_MODE_REQUIRED;
  SSL_CTX_set_verify(context.get(), verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (config.vsn == SSL_VSN_TLSV12) SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  std::unique_ptr<SSL, Free> session;
  if (take_files(context.get(), config)) session.reset(SSL_new(context.get()));
  if (session == nullptr || SSL_set1_host(session.get(), config.serverName) != 1 ||
      SSL_set_fd(session.get(), socket) != 1 || SSL_connect(session.get()) != 1) {
    std::fputs("stand-in: ", stderr);
    ERR_print_errors_fp(stderr);
    return nullptr;
  }
  return std::make_unique<Session>(std::move(context), std::move(session));
}

}  // namespace meterlens::boards::quecopen
