// `meterlens export`: what people said of readings, as labelled photos for tools/train.
#pragma once

#include <cstdint>
#include <string>

namespace meterlens::app {

struct ExportOptions {
  std::string config;         // settings file of the server; empty: the defaults
  std::string out;            // folder; made if it is not there, files of the same name replaced
  std::int64_t since_ms = 0;  // only photos shot since, Unix
  bool doubtful = false;      // also doubtful readings that nobody has judged, with an empty label
};

// Writes into `out`: images/ID.jpg, the photo as the camera sent it; strips/ID.jpg, its window
// straightened; and labels.csv with the columns file, label, all_accepted, quad, red, meter, strip.
// Window and strip are left out when the reader had looked at another place: it saw another number
// of wheels, or hardly one of them as it is. Run it in the server's working directory, also while
// that runs. 1 when something cannot be read or written; photos whose file is gone are counted.
int export_labels(const ExportOptions& options);

}  // namespace meterlens::app
