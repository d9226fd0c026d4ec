// The program `meterlens`: the command line, and nothing else.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "app/read.h"
#include "app/serve.h"
#include "app/settings.h"

namespace {

using namespace meterlens::app;

constexpr const char* version = METERLENS_VERSION;

int run_serve(const std::string& config) {
  const auto settings = config.empty() ? parse_settings("", "") : load_settings(config);
  if (!settings) {
    fmt::print(stderr, "meterlens: {}\n", settings.error());
    return 1;
  }
  return serve(*settings, version);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Meterlens: reads mechanical meters from photos"};
  app.require_subcommand(1);
  int status = 0;

  std::string config;
  auto* serve_command = app.add_subcommand("serve", "run the server, its broker and its console");
  serve_command->add_option("--config", config, "settings file (TOML); without it the defaults");
  serve_command->callback([&] { status = run_serve(config); });

  auto* config_command = app.add_subcommand("config", "print all settings with their defaults");
  config_command->callback([&] { fmt::print("{}", default_settings_text()); });

  ReadOptions read;
  auto* read_command = app.add_subcommand("read", "read photos, one line each");
  read_command->add_option("photo", read.files, "JPEG files")->required();
  read_command->add_flag("--json", read.json,
                         "one JSON object a line, also on a terminal (elsewhere it always is)");
  read_command->add_option("--models", read.models, "folder of the reader's models");
  read_command->add_option("--threads", read.threads, "photos read at the same time; 0: all cores")
      ->check(CLI::Range(0, 256));
  read_command->callback([&] {
    read.json = read.json || isatty(STDOUT_FILENO) == 0;
    status = read_photos(read);
  });

  EvaluateOptions evaluate;
  auto* evaluate_command = app.add_subcommand("evaluate", "how well the reader does on labels");
  evaluate_command->add_option("--labels", evaluate.labels, "CSV: file, label, all_accepted")
      ->required();
  evaluate_command->add_option("--split", evaluate.split, "only labels that match this pattern");
  evaluate_command->add_flag("--json", evaluate.json, "one JSON object");
  evaluate_command->add_flag("--list", evaluate.list, "each photo that is not exact, to stderr");
  evaluate_command->add_option("--models", evaluate.models, "folder of the reader's models");
  evaluate_command->callback([&] { status = evaluate_reader(evaluate); });

  auto* version_command = app.add_subcommand("version", "print the version");
  version_command->callback([&] { fmt::print("meterlens {}\n", version); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return status;
}
