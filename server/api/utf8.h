// Inside api/: whether foreign bytes are text.
#pragma once

#include <string_view>

namespace meterlens::api {

// As JSON's writer sees it: no surrogates, nothing longer than needed, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace meterlens::api
