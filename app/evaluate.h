// `meterlens evaluate`: the figures of the reader on labelled photos or on a server's photos, alone
// or beside those of other models.
#pragma once

#include <string>

namespace meterlens::app {

struct EvaluateOptions {
  std::string labels;   // a CSV as labels_of reads it
  std::string split;    // only rows whose label matches this regular expression; empty: all
  bool stored = false;  // the photos of the server of `config`, what people say as labels
  std::string config;   // settings file; empty: the defaults
  std::string models;   // folder; empty: beside the program
  std::string against;  // another folder of models: what differs between both is listed
  std::string curve;    // a file to write the risk-coverage curve to
  int threads = 0;      // 0: as many as cores
  bool mirror = false;  // mirror each photo first
  bool wheels = false;  // the labels are of single wheels
  bool json = false;
  bool list = false;    // one line for each photo that is not exact
};

// 1 when the photos cannot be found or none fits.
int evaluate_reader(const EvaluateOptions& options);

}  // namespace meterlens::app
