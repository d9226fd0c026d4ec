#include "server/api/idempotency.h"

#include <algorithm>

#include "protocol/checksum.h"
#include "server/api/answers.h"

namespace meterlens::api {
namespace {

std::string hash_of(const std::string& text) {
  const auto digits =
      protocol::hex(protocol::sha256({reinterpret_cast<const std::uint8_t*>(text.data()),
                                      text.size()}));
  return {digits.data(), digits.size()};
}

Response replayed(const store::KeptAnswer& kept) {
  Response response = json_response(kept.body, kept.status);
  response.headers.emplace_back("Idempotent-Replayed", "true");
  return response;
}

}  // namespace

Response Idempotency::answer(const Request& request, const std::function<Response()>& work) {
  const std::string& word = request.idempotency_key;
  const bool good = word.size() <= idempotency_key_bytes_max &&
                    std::ranges::all_of(word, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!good)
    return bad_request("Idempotency-Key must be 1 to 128 printable ASCII characters");
  // Nobody is answered with what another one has asked; a key has no blank in it.
  const std::string key = request.caller.name + " " + word;
  const std::int64_t now = unix_ms();
  // The body and the path: the same key for another device is another request.
  const store::KeptAnswer asked{
      hash_of(request.path + "?" + request.query + "\n" + request.body), 0, "", now};
  const auto kept = rows_.take_key(key, asked, now - idempotency_ms);
  if (!kept) return error_response(503, "store_failed", kept.error().message);
  if (*kept) {
    if ((*kept)->request_hash != asked.request_hash)
      return error_response(409, "idempotency_conflict",
                            "this Idempotency-Key was used for another request: take a new one");
    if ((*kept)->status == 0)
      return error_response(409, "idempotency_unfinished",
                            "the first request with this Idempotency-Key is under way, or the "
                            "server ended within it: look what became of it before a new key");
    return replayed(**kept);
  }
  Response response = work();
  const bool is_final = response.status < 500 && response.status != 429;
  const auto done = is_final ? rows_.keep_answer(key, {"", response.status, response.body, now})
                             : rows_.free_key(key);
  // What has been done is told, though a repetition would be answered by "unfinished".
  static_cast<void>(done);
  return response;
}

}  // namespace meterlens::api
