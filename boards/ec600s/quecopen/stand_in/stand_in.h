// What stands in for the maker's SDK in tests on Linux: exactly the functions of sdk.h, over
// threads, a pseudo-terminal, a folder and sockets. It proves that the port works with an SDK that
// behaves as sdk.h assumes, and nothing about the real one. Any thread.
#pragma once

#include <string>

namespace meterlens::boards::quecopen {

// Where "U:/" is. To be called before any file is opened.
void use_folder(const std::string& folder);
// Where a path of the module is: "U:/a".
std::string file_path(const char* path);

// Makes the UART's far end reachable as the link `path`.
bool use_line(const std::string& path);

// While the wire is cut, bytes are lost both ways.
void cut_line(bool cut);

}  // namespace meterlens::boards::quecopen
