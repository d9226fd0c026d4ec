// The reader on one core beside the bare JPEG decode to gray of the same photos, in turns in the
// same run; its stages; a meter whose layout is known; the memory at its peak.
//
// Photos are rendered at 1024x768, `hardness` in per cent. Times are the thread's CPU time, so that
// other work on the machine counts little. Models: reader/models of the source tree.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <turbojpeg.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "face/face.h"
#include "reader/decide.h"
#include "reader/jpeg.h"
#include "reader/nets.h"
#include "reader/reader.h"

namespace {

using namespace meterlens;
using Jpeg = std::vector<std::uint8_t>;

constexpr int width = 1024, height = 768, photo_count = 12;
constexpr double use_per_hour = 20;  // steps of the last wheel

std::span<const std::byte> bytes_of(const Jpeg& jpeg) { return std::as_bytes(std::span(jpeg)); }

// Rendered once, before memory is measured.
const std::vector<Jpeg>& photos_of(int hardness) {
  static std::vector<Jpeg> all[101];
  std::vector<Jpeg>& photos = all[hardness];
  for (auto seed = static_cast<std::uint32_t>(photos.size()); seed < photo_count; ++seed) {
    face::Conditions conditions = face::conditions_from_seed(700 + seed, hardness / 100.0);
    conditions.width = width, conditions.height = height;
    const std::uint64_t value = 10'007 + 13'331 * seed;
    photos.push_back(face::render(face::meter_from_seed(700 + seed), value, conditions).jpeg);
  }
  return photos;
}

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

template <typename Work>
double ms_of(Work work) {
  const double start = cpu_ms();
  work();
  return cpu_ms() - start;
}

reader::Reader open_reader(reader::Engine engine) {
  auto opened = reader::Reader::open(METERLENS_MODELS, engine);
  if (opened) return *std::move(opened);
  std::fprintf(stderr, "bench: %s\n", opened.error().text.c_str());
  std::exit(1);
}

class GrayDecoder {
 public:
  ~GrayDecoder() { tjDestroy(turbo_); }
  void operator()(const Jpeg& jpeg) {
    tjDecompress2(turbo_, jpeg.data(), static_cast<unsigned long>(jpeg.size()), gray_.data(), width,
                  0, height, TJPF_GRAY, 0);
    benchmark::DoNotOptimize(gray_.data());
  }

 private:
  tjhandle turbo_ = tjInitDecompress();
  Jpeg gray_ = Jpeg(static_cast<std::size_t>(width * height));
};

// What the reader found the first time is given to it: the layout, and the reading as of an hour
// ago.
enum class Given { nothing, layout, reading };

void read_photos(benchmark::State& state, Given given,
                 reader::Engine engine = reader::Engine::fastest) {
  const bool known = given != Given::nothing;
  const auto& photos = photos_of(static_cast<int>(state.range(0)));
  reader::Reader reader = open_reader(engine);
  std::vector<reader::Known> before(photos.size());
  for (std::size_t i = 0; known && i < photos.size(); ++i) {
    const auto digits = reader.read(bytes_of(photos[i]));
    if (!digits || digits->status != reader::Status::read) continue;
    before[i].window = digits->window;
    before[i].wheels = static_cast<int>(digits->digits.size()), before[i].red = digits->red;
    if (given == Given::reading)
      before[i].earlier = reader::Earlier{digits->digits, digits->certain, 1, use_per_hour};
  }
  GrayDecoder decode_to_gray;
  double gray_ms = 0, read_ms = 0;
  int read = 0, count = 0;
  for (auto _ : state) {
    double ms = 0;
    for (std::size_t i = 0; i < photos.size(); ++i) {
      if (known && !before[i].window) continue;
      gray_ms += ms_of([&] { decode_to_gray(photos[i]); });
      ms += ms_of([&] {
        const auto digits = reader.read(bytes_of(photos[i]), before[i]);
        read += digits && digits->status == reader::Status::read;
      });
      ++count;
    }
    read_ms += ms;
    state.SetIterationTime(ms / 1e3);
  }
  state.counters["photo_ms"] = read_ms / count;
  state.counters["gray_ms"] = gray_ms / count;
  state.counters["ratio"] = read_ms / gray_ms;
  state.counters["read"] = static_cast<double>(read) / count;
}

void read_photo(benchmark::State& state) { read_photos(state, Given::nothing); }
void read_known(benchmark::State& state) { read_photos(state, Given::layout); }
void read_followed(benchmark::State& state) { read_photos(state, Given::reading); }
// In f32 by XNNPACK, which runs everywhere.
void read_photo_everywhere(benchmark::State& state) {
  read_photos(state, Given::nothing, reader::Engine::everywhere);
}
void read_known_everywhere(benchmark::State& state) {
  read_photos(state, Given::layout, reader::Engine::everywhere);
}

// One photo, taken apart into the stages of a read that needs one cut.
void stages(benchmark::State& state) {
  const Jpeg& jpeg = photos_of(30).front();
  auto nets = reader::Nets::open(METERLENS_MODELS);
  if (!nets) return state.SkipWithError(nets.error().text.c_str());
  reader::Photo photo;
  double decode = 0, locate = 0, refine = 0, light = 0, row = 0, decide = 0, wheels = 0;
  for (auto _ : state) {
    const double start = cpu_ms();
    std::vector<reader::Candidate> found;
    reader::Refined refined;
    std::vector<reader::Glimpse> glimpses;
    std::vector<reader::WheelOpinion> opinions;
    reader::Sight seen;
    decode += ms_of([&] { (void)reader::decode_planes(bytes_of(jpeg), 1000, photo); });
    locate += ms_of([&] {
      nets->show(photo);
      found = nets->locate(reader::locator_side, 3);
    });
    if (found.empty()) return state.SkipWithError("no window found");
    refine += ms_of([&] { refined = nets->refine(found[0].window); });
    light += ms_of([&] { benchmark::DoNotOptimize(nets->light(refined.window)); });
    row += ms_of([&] { glimpses = nets->read(refined.window, {0, 1}); });
    decide += ms_of([&] { seen = reader::sight_of(glimpses); });
    wheels += ms_of([&] {
      opinions = nets->read_wheels(refined.window, seen.row.centres, seen.row.pitch, {0, 1});
    });
    decide += ms_of([&] { benchmark::DoNotOptimize(reader::decide(seen, opinions)); });
    state.SetIterationTime((cpu_ms() - start) / 1e3);
  }
  const auto mean = [](double ms) {
    return benchmark::Counter(ms, benchmark::Counter::kAvgIterations);
  };
  state.counters["1_decode"] = mean(decode), state.counters["2_locate"] = mean(locate);
  state.counters["3_refine"] = mean(refine), state.counters["4_light"] = mean(light);
  state.counters["5_row"] = mean(row), state.counters["6_wheels"] = mean(wheels);
  state.counters["7_decide"] = mean(decide);
}

BENCHMARK(read_photo)->Arg(0)->Arg(30)->Arg(100)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(read_known)->Arg(0)->Arg(30)->Arg(100)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(read_followed)->Arg(0)->Arg(30)->Arg(100)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(read_photo_everywhere)->Arg(30)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(read_known_everywhere)->Arg(30)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(stages)->UseManualTime()->Unit(benchmark::kMillisecond);

std::string peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return line.substr(6);
  return " unknown";
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (const int hardness : {0, 30, 100}) photos_of(hardness);
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak from here on
  benchmark::RunSpecifiedBenchmarks();
  std::printf("peak memory:%s\n", peak_memory().c_str());
}
