// The program `meterlens`: the command line, and nothing else.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "app/backup.h"
#include "app/billing.h"
#include "app/doctor.h"
#include "app/evaluate.h"
#include "app/export.h"
#include "app/failure.h"
#include "app/image.h"
#include "app/migrate.h"
#include "app/read.h"
#include "app/serve.h"
#include "app/settings.h"
#include "app/user.h"
#include "sim/load.h"
#include "sim/simulate.h"

namespace {

using namespace meterlens::app;

constexpr const char* version = METERLENS_VERSION;
constexpr const char* threads_meaning = "photos read at the same time; 0: all cores";

int run_serve(const std::string& config, meterlens::server::Role role, int metrics_port = -1) {
  auto settings = config.empty() ? parse_settings("", "") : load_settings(config);
  if (!settings) {
    fmt::print(stderr, "meterlens: {}\n", settings.error());
    return 1;
  }
  if (metrics_port >= 0) settings->fleet_metrics_port = metrics_port;
  return serve(*settings, version, role);
}

void add_serve(CLI::App& app, int& status) {
  using meterlens::server::Role;
  static std::string config;
  static bool no_worker = false;
  auto* command = app.add_subcommand("serve", "run the server, its broker and its console");
  command->add_flag("--no-worker", no_worker, "of a fleet: API, console, schedules, notifications");
  command->add_option("--config", config, "settings file (TOML); without it the defaults");
  command->footer("Examples:\n"
                  "  meterlens serve                     defaults, data in this folder\n"
                  "  meterlens config > meterlens.toml   a settings file to begin with\n"
                  "  meterlens serve --config meterlens.toml\n"
                  "Ends in good order on SIGINT and SIGTERM.");
  command->callback([&] { status = run_serve(config, no_worker ? Role::server : Role::whole); });
  auto* worker = app.add_subcommand("worker", "of a fleet: takes photos in and reads them");
  worker->add_option("--config", config, "settings file (TOML), the same for all of the fleet");
  static int metrics_port = -1;
  worker
      ->add_option("--metrics-port", metrics_port, "this worker's, before [fleet] metrics_port")
      ->check(CLI::Range(0, 65535));
  worker->footer("Example:\n"
                 "  meterlens worker --config meterlens.toml\n"
                 "Ends in good order on SIGINT and SIGTERM: other workers take over its devices.");
  worker->callback([&] { status = run_serve(config, Role::worker, metrics_port); });
}

void add_read(CLI::App& app, int& status) {
  static ReadOptions read;
  auto* command = app.add_subcommand("read", "read photos, one line each, in order");
  command->add_option("photo", read.files, "JPEG files, or folders of them")->required();
  command->add_flag("--json", read.json,
                    "one JSON object a line, also on a terminal (elsewhere it always is)");
  command->add_flag("--evidence", read.evidence,
                    "JSON also says what each reading was judged by, for tools/train");
  command->add_option("--models", read.models, "folder of the reader's models");
  command->add_option("--known", read.known,
                      "JSON file with what is known of the meter: its window, wheels, red and "
                      "earlier reading (reader/known.h)");
  command->add_option("--threads", read.threads, threads_meaning)->check(CLI::Range(0, 256));
  command->footer("Examples:\n"
                  "  meterlens read photo.jpg\n"
                  "  meterlens read --json FOLDER > readings.jsonl\n"
                  "  meterlens read --known m1.json photo.jpg\n"
                  "Exit status 1: a file was no picture; the others have been read.");
  command->callback([&] {
    read.json = read.json || isatty(STDOUT_FILENO) == 0;
    status = read_photos(read);
  });
}

void add_evaluate(CLI::App& app, int& status) {
  static EvaluateOptions evaluate;
  auto* command = app.add_subcommand("evaluate", "how well the reader does on labels");
  command->add_option("--labels", evaluate.labels, "CSV: file, label, [all_accepted], [red]");
  auto* split =
      command->add_option("--split", evaluate.split, "only labels that match this pattern");
  auto* stored =
      command->add_flag("--stored", evaluate.stored,
                        "a server's photos; labels are what people said of their readings");
  stored->excludes(split);
  command->add_option("--config", evaluate.config, "the server's settings file, for --stored");
  command->add_option("--models", evaluate.models, "folder of the reader's models");
  auto* against = command->add_option("--against", evaluate.against,
                                      "folder of older models: what differs between both");
  auto* curve =
      command->add_option("--curve", evaluate.curve, "write the risk-coverage curve to this CSV");
  auto* mirror =
      command->add_flag("--mirror", evaluate.mirror, "mirror each photo first: none may be read");
  auto* wheels =
      command->add_flag("--wheels", evaluate.wheels, "labels are of single wheels: 3, 3.7 or NaN");
  command->add_option("--threads", evaluate.threads, threads_meaning)->check(CLI::Range(0, 256));
  command->add_flag("--json", evaluate.json, "one JSON object");
  auto* list =
      command->add_flag("--list", evaluate.list, "each photo that is not exact, to stderr");
  for (auto* of_photos : {stored, against, curve, mirror, list}) wheels->excludes(of_photos);
  command->footer("Examples:\n"
                  "  meterlens evaluate --labels labels.csv\n"
                  "  meterlens evaluate --stored --config meterlens.toml --json");
  command->callback([&] { status = evaluate_reader(evaluate); });
}

void add_export(CLI::App& app, int& status) {
  static ExportOptions options;
  auto* command = app.add_subcommand("export", "reviewed readings as labelled photos for training");
  command->add_option("--config", options.config, "the server's settings file");
  auto* out = command->add_option("--out", options.out, "folder for the photos and labels.csv");
  command->add_option("--since", options.since_ms, "only photos shot since, Unix milliseconds");
  command->add_flag("--doubtful", options.doubtful, "also doubtful ones, with an empty label");
  command->footer("Example:\n"
                  "  meterlens export --config meterlens.toml --out labelled");
  static BillingOptions billing;
  auto* readings = command->add_subcommand("readings", "readings as they are billed, as CSV");
  readings->add_option("--config", billing.config, "the server's settings file");
  readings->add_option("--from", billing.from, "ISO 8601 or Unix milliseconds");
  readings->add_option("--to", billing.to, "the first moment that does not count");
  readings->add_option("--meter", billing.meter, "only this one");
  readings->add_flag("--all", billing.all, "also doubtful and rejected ones");
  readings->add_flag("--missing", billing.missing, "also what a schedule wanted and never came");
  readings->callback([&] {
    if (billing.config.empty()) billing.config = options.config;
    status = export_billing(billing);
  });
  command->callback([command, readings, out, &status] {
    if (command->got_subcommand(readings)) return;
    if (out->empty()) throw CLI::RequiredError("--out");
    status = export_labels(options);
  });
}

void add_image(CLI::App& app, int& status) {
  static SignOptions sign;
  static std::string key_out, shown;
  auto* command = app.add_subcommand("image", "program images for remote update");
  command->require_subcommand(1);
  command->footer("Examples:\n"
                  "  meterlens image key --out release.key\n"
                  "  meterlens image sign --key release.key --part camera --board esp32cam \\\n"
                  "    --version 7 --in firmware.bin --out firmware.mli\n"
                  "  meterlens image show firmware.mli");
  auto* key = command->add_subcommand("key", "make a pair of keys");
  key->add_option("--out", key_out, "the private key; FILE.pub is the public one")->required();
  key->callback([&] { status = make_image_key(key_out); });
  auto* make = command->add_subcommand("sign", "make an image file of a program");
  make->add_option("--key", sign.key, "the private key")->required();
  make->add_option("--part", sign.part, "what it is for: camera or dtu")
      ->required()
      ->check(CLI::IsMember({"camera", "dtu"}));
  make->add_option("--board", sign.board, "the name of the board it is built for")->required();
  make->add_option("--version", sign.version, "rises with every release")->required();
  make->add_option("--in", sign.in, "the program as the board's boot loader takes it")->required();
  make->add_option("--out", sign.out, "the image file")->required();
  make->callback([&] { status = sign_image(sign); });
  auto* show = command->add_subcommand("show", "what an image file says of itself");
  show->add_option("file", shown, "the image file")->required();
  show->callback([&] { status = show_image(shown); });
}

void add_backup(CLI::App& app, int& status) {
  static BackupOptions options;
  auto* save = app.add_subcommand("backup", "all rows and files, while the server runs");
  save->add_option("place", options.place, "a folder, which may have an earlier one; or *.tar")
      ->required();
  auto* put = app.add_subcommand("restore", "a backup into an empty place");
  put->add_option("place", options.place, "the backup")->required();
  for (auto* command : {save, put})
    command->add_option("--config", options.config, "the server's settings file");
  save->callback([&] { status = backup(options); });
  put->callback([&] { status = restore(options); });
}

void add_migrate(CLI::App& app, int& status) {
  static MigrateOptions options;
  auto* command = app.add_subcommand("migrate", "all rows into an empty store of the other engine");
  command->add_option("--from", options.from,
                      "sqlite:FILE or postgresql://...; nobody writes to it meanwhile")->required();
  command->add_option("--to", options.to, "the same; empty, or half filled by this before")
      ->required();
  command->add_option("--config", options.config,
                      "the server's settings file, for [store] password_file");
  command->add_option("--batch-rows", options.batch_rows, "in one transaction")
      ->check(CLI::Range(1, 100'000));
  command->footer("Example:\n"
                  "  meterlens migrate --from sqlite:var/meterlens.db \\\n"
                  "    --to postgresql://meterlens@db.example.net/meterlens\n"
                  "Stop the server first. What was broken off goes on when it is called again.");
  command->callback([&] { status = migrate(options); });
}

void add_doctor(CLI::App& app, int& status) {
  static DoctorOptions options;
  auto* command = app.add_subcommand("doctor", "finds what is wrong, and says what to do");
  command->add_option("--config", options.config, "the server's settings file");
  command->add_flag("--quick", options.quick, "files by their size, without their hash");
  command->add_flag("--json", options.json, "one JSON object");
  command->callback([&] { status = doctor(options); });
}

void add_user(CLI::App& app, int& status) {
  static UserOptions options;
  auto* command = app.add_subcommand("user", "who may log in, also while the server runs");
  command->require_subcommand(1);
  command->add_option("--config", options.config, "the server's settings file");
  const auto add = [&](const char* name, const char* meaning, int (*run)(const UserOptions&)) {
    auto* one = command->add_subcommand(name, meaning);
    one->callback([&status, run] { status = run(options); });
    return one;
  };
  const auto named = [&](CLI::App* one) {
    one->add_option("name", options.name, "the user's name")->required();
    return one;
  };
  const auto with_password = [&](CLI::App* one) {
    one->add_flag("--stdin", options.from_stdin,
                  "the password is the first line of standard input; else one is made and printed");
    return one;
  };
  auto* made = with_password(named(add("add", "make a user", user_add)));
  made->add_option("--role", options.role, "viewer, reviewer, operator or administrator")
      ->required();
  made->add_option("--group", options.groups, "a group of meters to be limited to; repeatable");
  with_password(named(add("password", "set a user's password", user_password)));
  named(add("disable", "nobody logs in under this name any more", user_disable));
  named(add("enable", "takes that back", user_enable));
  add("list", "all users", user_list);
}

void add_sim(CLI::App& app, int& status) {
  using meterlens::sim::SimulateOptions;
  static SimulateOptions options;
  auto* command = app.add_subcommand("sim", "cameras, DTUs, broker and server in virtual time");
  command->add_option("--seed", options.seed, "of all chance; the same seed, the same world");
  command->add_option("--seeds", options.seeds, "so many worlds, the seeds rising");
  command->add_option("--devices", options.devices, "cameras with a DTU each");
  command->add_option("--minutes", options.minutes, "of virtual time until faults stop");
  command->add_option("--faults", options.faults, "none, lossy or hostile");
  command->add_option("--site", options.site,
                      "all devices alike: awake, light, deep, behind-smartdtu or deployed");
  command->add_flag("--goodput", options.goodput,
                    "instead: one photo over a 115200 line, beside the deployed way");
  command->add_flag("--log", options.log, "every fault, order and message to stderr");
  command->add_flag("--json", options.json, "one JSON object");
  command->footer("Examples:\n"
                  "  meterlens sim --seed 1 --faults hostile\n"
                  "  meterlens sim --goodput");
  command->callback([&] { status = meterlens::sim::simulate(options); });
}

void add_load(CLI::App& app, int& status) {
  using meterlens::sim::LoadOptions;
  static LoadOptions options;
  auto* command = app.add_subcommand("load", "many devices send photos to a broker in real time");
  command->add_option("--broker", options.broker,
                      "mqtt://HOST:PORT or mqtts://HOST:PORT; several nodes, parted by spaces");
  command->add_option("--ca", options.ca_file, "PEM file that judges an mqtts broker");
  command->add_option("--user", options.user,
                      "{device} in it becomes the device's name; with passwords it is that name");
  command->add_option("--passwords", options.passwords_file,
                      "file with lines DEVICE:PASSWORD, or one password for all");
  command->add_option("--devices", options.devices, "how many")->check(CLI::Range(1, 200'000));
  command->add_option("--prefix", options.prefix, "of their names")
      ->check([](const std::string& text) {
        const bool fits = !text.empty() && text.size() <= 40 &&
                          text.find_first_of("/+#. ") == std::string::npos;
        return fits ? std::string() : std::string("is no beginning of a device's name");
      });
  command->add_option("--connections", options.connections,
                      "so many speak for all devices; 0: each has its own")
      ->check(CLI::Range(0, 200'000));
  command->add_option("--smartdtu-share", options.smartdtu_share,
                      "of the devices that are SmartDTUs, whose photos nobody answers")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--photos-per-s", options.photos_per_s,
                      "of all together; 0: each as fast as it can")->check(CLI::Range(0.0, 1e5));
  command->add_option("--seconds", options.seconds, "photos begin for so long")
      ->check(CLI::Range(1, 86'400));
  command->add_option("--patience-s", options.patience_s, "for answers afterwards")
      ->check(CLI::Range(1, 3600));
  command->add_option("--photo", options.photo, "a JPEG to send; else noise that shows no meter");
  command->add_option("--photo-bytes", options.photo_bytes, "of the noise")
      ->check(CLI::Range(256, 1'000'000));
  command->add_flag("--json", options.json, "the JSON line alone, without the table");
  command->add_flag("--on-word", options.on_word,
                    "connects, says so, and sends for --seconds at each line on standard input");
  command->footer("Examples, against a server that is no one's:\n"
                  "  meterlens load --devices 1000 --photos-per-s 50 --broker "
                  "mqtt://127.0.0.1:1883\n"
                  "  meterlens load --devices 1000 --smartdtu-share 0.5 --seconds 60 "
                  "--broker mqtts://mq1:8883 --ca ca.pem --passwords devices.txt\n"
                  "Exit status 1: a photo was lost.");
  command->callback([&] { status = meterlens::sim::load(options); });
}

// Status 0 also says that all that was printed has arrived.
int ended(int status) {
  const bool has_arrived = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (status != 0 || has_arrived) return status;
  return fail("not all of the output could be written: is the disk full that it goes to?");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Meterlens: reads mechanical meters from photos"};
  app.require_subcommand(1);
  app.set_version_flag("--version", fmt::format("meterlens {}", version));
  app.footer("Examples:\n"
             "  meterlens serve               server, broker and page on this machine\n"
             "  meterlens read photo.jpg      the number on a photo\n"
             "  meterlens SUBCOMMAND --help   options and examples of one subcommand");
  int status = 0;
  add_serve(app, status);
  auto* config_command = app.add_subcommand("config", "print all settings with their defaults");
  config_command->callback([&] { fmt::print("{}", default_settings_text()); });
  add_read(app, status);
  add_evaluate(app, status);
  add_export(app, status);
  add_image(app, status);
  add_backup(app, status);
  add_migrate(app, status);
  add_doctor(app, status);
  add_user(app, status);
  add_sim(app, status);
  add_load(app, status);
  auto* version_command = app.add_subcommand("version", "print the version");
  version_command->callback([&] { fmt::print("meterlens {}\n", version); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    status = app.exit(error);
  } catch (const std::exception& error) {
    return fail(fmt::format("ended early: {}; `meterlens doctor` looks for what is wrong",
                            error.what()));
  }
  return ended(status);
}
