#include "app/photo_objects.h"

#include "server/photo/s3.h"
#include "server/second/keys.h"

namespace meterlens::app {

bool photos_are_files(const Settings& settings) {
  return settings.store_photos.empty() || settings.store_photos == "file:";
}

std::expected<std::shared_ptr<photo::Objects>, std::string> photo_objects(
    const Settings& settings) {
  if (photos_are_files(settings)) return nullptr;
  auto s3 = photo::parse_s3(settings.store_photos);
  if (!s3) return std::unexpected(s3.error());
  const auto keys = second::load_keys(
      settings.store_photos_keys_file,
      {"the photo store has", "METERLENS_S3_KEY", "METERLENS_S3_SECRET",
       "photos_keys_file in [store]"});
  if (!keys) return std::unexpected(keys.error());
  s3->key_id = keys->key;
  s3->secret = keys->secret;
  s3->region = settings.store_photos_region;
  s3->ca_file = settings.store_photos_ca_file;
  return photo::open_s3(*s3);
}

}  // namespace meterlens::app
