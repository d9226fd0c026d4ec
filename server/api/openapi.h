// Inside api/: server/api/openapi.yaml, compiled in.
#pragma once

namespace meterlens::api {

extern const char* const openapi_text;

}  // namespace meterlens::api
