#include "server/door/certificate.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>

namespace meterlens::door {
namespace {

template <auto Free>
struct Freed {
  template <class Thing>
  void operator()(Thing* thing) const {
    Free(thing);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using X509Pointer = std::unique_ptr<X509, Freed<X509_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

std::expected<std::string, std::string> content_of(const std::string& file, const char* what) {
  std::ifstream in(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in || text.empty())
    return std::unexpected(fmt::format("cannot read the {} {} of [tls]: name a file that is there "
                                       "and that this user may read", what, file));
  return text;
}

Bio bio_of(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// A key with a passphrase is refused instead of asked for on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

std::string day_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown day";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

}  // namespace

std::expected<Certificate, std::string> read_certificate(const std::string& chain_file,
                                                         const std::string& key_file,
                                                         std::int64_t now_s) {
  if (chain_file.empty() || key_file.empty())
    return std::unexpected("[tls] needs both files, of the certificate and of its key");
  const auto chain = content_of(chain_file, "certificate");
  if (!chain) return std::unexpected(chain.error());
  const auto key = content_of(key_file, "key");
  if (!key) return std::unexpected(key.error());
  const X509Pointer certificate(
      PEM_read_bio_X509(bio_of(*chain).get(), nullptr, no_passphrase, nullptr));
  if (!certificate)
    return std::unexpected(fmt::format("{} is no certificate in PEM form: its first line must be "
                                       "-----BEGIN CERTIFICATE-----", chain_file));
  const KeyPointer private_key(
      PEM_read_bio_PrivateKey(bio_of(*key).get(), nullptr, no_passphrase, nullptr));
  if (!private_key)
    return std::unexpected(fmt::format("{} is no private key in PEM form without a passphrase",
                                       key_file));
  if (X509_check_private_key(certificate.get(), private_key.get()) != 1)
    return std::unexpected(fmt::format("the key {} is not that of the certificate {}: give the two "
                                       "that were made together", key_file, chain_file));
  std::time_t now = now_s;
  const ASN1_TIME* start = X509_get0_notBefore(certificate.get());
  const ASN1_TIME* end = X509_get0_notAfter(certificate.get());
  if (X509_cmp_time(start, &now) > 0)
    return std::unexpected(fmt::format("the certificate {} is valid only from {} on: check this "
                                       "machine's clock", chain_file, day_of(start)));
  if (X509_cmp_time(end, &now) < 0)
    return std::unexpected(
        fmt::format("the certificate {} expired on {}: renew it", chain_file, day_of(end)));
  return Certificate{*chain, *key};
}

}  // namespace meterlens::door
