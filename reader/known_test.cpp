#include "reader/known.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

namespace meterlens::reader {
namespace {

using Random = std::mt19937;

// ---- the arithmetic, on probabilities that are true by construction ----

// What a noisy photo leaves of a digit: adding a normal error of this strength to each digit's
// evidence makes exactly these probabilities true.
std::array<double, 10> noisy(int digit, double strength, Random& random) {
  std::normal_distribution<double> error(0, strength);
  std::array<double, 10> p{};
  double sum = 0;
  for (int d = 0; d < 10; ++d)
    sum += p[static_cast<std::size_t>(d)] =
        std::exp(error(random) + (d == digit ? strength * strength : 0));
  for (double& share : p) share /= sum;
  return p;
}

std::string digits_text(std::int64_t value, std::size_t wheels) {
  std::string text = std::to_string(value);
  return text.insert(0, wheels - text.size(), '0');
}

std::vector<Shares> noisy_photo(const std::string& digits, Random& random) {
  std::uniform_real_distribution<double> strength(0.5, 4);
  std::vector<Shares> wheels(digits.size());
  for (std::size_t i = 0; i < digits.size(); ++i)
    wheels[i].fill(noisy(digits[i] - '0', strength(random), random));
  return wheels;
}

double probability_of(const Belief& belief) {
  return std::accumulate(belief.confidence.begin(), belief.confidence.end(), 1.0,
                         std::multiplies<>());
}

TEST(Weigh, IsTheSumOverAllValues) {
  Random random(3);
  constexpr std::int64_t full = 1000;
  for (int round = 0; round < 60; ++round) {
    std::vector<Shares> wheels(3);
    for (Shares& shares : wheels)  // each digit to the right has its own
      for (auto& p : shares) p = noisy(static_cast<int>(random() % 10), 1.5, random);
    const Range range{static_cast<std::int64_t>(random() % full),
                      static_cast<std::int64_t>(1 + random() % (full - 1))};
    const Belief belief = weigh(wheels, range);
    double chosen = 0, all = 0;
    for (std::int64_t value = 0; value < full; ++value) {
      const std::size_t a = static_cast<std::size_t>(value / 100),
                        b = static_cast<std::size_t>(value / 10 % 10),
                        c = static_cast<std::size_t>(value % 10);
      const bool plausible = (value - range.first + full) % full < range.count;
      const double p = wheels[0][b][a] * wheels[1][c][b] * wheels[2][0][c] *
                       (plausible ? 1 : 1 / prior_odds_most);
      all += p;
      if (digits_text(value, 3) != belief.digits) continue;
      chosen = p;
      EXPECT_EQ(belief.plausible, plausible);
    }
    EXPECT_NEAR(probability_of(belief), chosen / all, 1e-9);
  }
}

// Of the beliefs in each band of probability: how many there are, are right, and should be.
struct Band {
  double count = 0, right = 0, said = 0;
};

std::array<Band, 4> bands_of(double plausible_share, int cases, unsigned seed) {
  Random random(seed);
  constexpr std::int64_t full = 10'000;
  std::array<Band, 4> bands{};
  for (int i = 0; i < cases; ++i) {
    const Range range{static_cast<std::int64_t>(random() % full),
                      static_cast<std::int64_t>(1 + random() % 300)};
    const double count = static_cast<double>(range.count);
    const double assumed = count / (count + (full - count) / prior_odds_most);
    const double share = plausible_share < 0 ? assumed : plausible_share;
    const bool inside = std::uniform_real_distribution<double>()(random) < share;
    const auto offset = static_cast<std::int64_t>(random());
    const std::int64_t value =
        inside ? range.first + offset % range.count
               : range.first + range.count + offset % (full - range.count);
    const std::string truth = digits_text(value % full, 4);
    const Belief belief = weigh(noisy_photo(truth, random), range);
    const double said = probability_of(belief);
    Band& band = bands[said < 0.6 ? 0 : said < 0.9 ? 1 : said < 0.98 ? 2 : 3];
    band.count += 1, band.said += said;
    if (belief.digits == truth) band.right += 1;
  }
  return bands;
}

TEST(Weigh, IsRightAsOftenAsItSays) {
  for (const Band& band : bands_of(-1, 20'000, 5)) {
    ASSERT_GT(band.count, 300);
    const double said = band.said / band.count;
    EXPECT_NEAR(band.right / band.count, said, 3 * std::sqrt(said * (1 - said) / band.count));
  }
}

TEST(Weigh, IsRightAtLeastAsOftenWhenThePriorIsAlwaysTrue) {
  for (const Band& band : bands_of(1, 20'000, 6)) {
    const double said = band.said / band.count;
    EXPECT_GT(band.right / band.count, said - 3 * std::sqrt(said * (1 - said) / band.count));
  }
}

TEST(Weigh, OfTwoPlausibleValuesTheOldOneIsNoBetter) {
  std::vector<Shares> wheels(4);
  for (Shares& shares : wheels) shares.fill({0.991, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001,
                                             0.001, 0.001, 0.001});
  wheels[3].fill({0.4, 0, 0, 0.6, 0, 0, 0, 0, 0, 0});
  const Belief belief = weigh(wheels, {0, 10});
  EXPECT_EQ(belief.digits, "0003");
  EXPECT_NEAR(belief.confidence[3], 0.6, 1e-6);
}

// ---- what may be shown now ----

TEST(PlausibleRange, GoesFromTheOldValueAsFarAsTheRateAllows) {
  const auto range = plausible_range({"00538", 5, 9, 10});
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(range->first, 537);
  EXPECT_EQ(range->first + range->count - 1, 538 + 120 + 1);  // 1.2 * 10 * (9 + 1)
  const auto unclear = plausible_range({"00538", 3, 9, 10});
  EXPECT_EQ(unclear->first, 499);
  EXPECT_EQ(unclear->first + unclear->count - 1, 599 + 120 + 1);
}

TEST(PlausibleRange, OnlyForwardWithoutARate) {
  const auto low = plausible_range({"40000", 5, 5, 0}), high = plausible_range({"95000", 5, 5, 0});
  ASSERT_TRUE(low && high);
  EXPECT_EQ(low->first + low->count - 1, 99'999);
  EXPECT_EQ(high->first + high->count - 1, 100'000 + 4'999);  // it may have come round
  EXPECT_FALSE(plausible_range({"00000", 5, 5, 0}).has_value());
  // As far beyond the last of what the unclear wheels may have been.
  const auto unclear = plausible_range({"99999", 1, 5, 0});
  ASSERT_TRUE(unclear);
  EXPECT_EQ(unclear->first, 89'999);
  EXPECT_EQ(unclear->first + unclear->count - 1, 109'998);
}

TEST(PlausibleRange, NothingFollowsFromNonsense) {
  const double nan = std::nan(""), infinite = std::numeric_limits<double>::infinity();
  const Earlier nonsense[] = {
      {"", 0, 1, 1},      {"", 1, 1, 1},       {"12a45", 5, 1, 1},     {"-1234", 5, 1, 1},
      {"12345", 0, 1, 1}, {"12345", 6, 1, 1},  {"12345", -1, 1, 1},    {"12345", 5, nan, 1},
      {"12345", 5, 1, nan}, {"12345", 5, -1, 1}, {"12345", 5, 1, -1},  {"12345", 5, infinite, 1},
      {"12345", 5, 1, infinite}, {"12345", 5, 1e300, 1e300}, {"12345", 5, 1e9, 1},
      {"0123456789", 10, 1, 1}, {std::string(1000, '9'), 5, 1, 1}, {"1\0" "345", 5, 1, 1}};
  for (const Earlier& earlier : nonsense)
    EXPECT_FALSE(plausible_range(earlier).has_value()) << earlier.digits;
}

// ---- whole rows ----

// As decide() makes it of these spreads.
Register row_of_spreads(const std::vector<Spread>& spreads) {
  Register row;
  row.spreads = spreads;
  std::vector<double> positions;
  for (const Spread& spread : spreads) {
    const auto top = std::max_element(spread.begin(), spread.end()) - spread.begin();
    positions.push_back(static_cast<double>(top) / 2);
    row.turning.push_back(top % 2 == 1);
  }
  const auto choices = choose_digits(spreads, positions);
  for (std::size_t i = 0; i < spreads.size(); ++i)
    row.wheels.push_back({positions[i], static_cast<char>('0' + choices[i].digit),
                          choices[i].probability, 0, {}});
  row.count = row.whole = row.evenness = row.trust = 1;
  return row;
}

// Each wheel at rest on its digit, sure up to `rest`.
std::vector<Spread> spreads_of(const std::string& digits, double rest = 1e-6) {
  std::vector<Spread> spreads;
  for (const char digit : digits) {
    Spread spread;
    spread.fill(rest / (half_steps - 1));
    spread[static_cast<std::size_t>(2 * (digit - '0'))] = 1 - rest;
    spreads.push_back(spread);
  }
  return spreads;
}

// The wheel shows `digit` and, `share` of it, `other`.
void blur(Spread& spread, int digit, int other, double share) {
  spread.fill(0.002);
  spread[static_cast<std::size_t>(2 * digit)] = 0.964 * (1 - share);
  spread[static_cast<std::size_t>(2 * other)] = 0.964 * share;
}

const Evidence good_evidence{.located = 0.9, .light = {120, 40, 0, 0.5}, .whole = 0.999};
const Quad place{{{100, 100}, {300, 100}, {300, 150}, {100, 150}}};

Digits with(const std::vector<Spread>& spreads, const Earlier& earlier) {
  Known known;
  known.earlier = earlier;
  return judge(row_of_spreads(spreads), good_evidence, place, known);
}

Digits alone(const std::vector<Spread>& spreads) {
  return judge(row_of_spreads(spreads), good_evidence);
}

TEST(Known, ADoubtfulWheelIsDecidedByWhatIsPlausible) {
  auto spreads = spreads_of("00538");
  blur(spreads[2], 5, 3, 0.3);
  ASSERT_EQ(alone(spreads).status, Status::doubtful);
  const Digits digits = with(spreads, {"00529", 5, 24, 1});
  EXPECT_EQ(digits.status, Status::read);
  EXPECT_EQ(digits.digits, "00538");
  EXPECT_EQ(digits.certain, 5);
  ASSERT_TRUE(digits.alone.has_value());
  EXPECT_EQ(digits.alone->digits, "00538");
  EXPECT_EQ(digits.alone->certain, 2);
}

TEST(Known, RollOverIsPlausibleWhenTheUseIs) {
  auto spreads = spreads_of("00003");
  blur(spreads[0], 0, 8, 0.3);
  const Digits digits = with(spreads, {"99998", 5, 1, 10});
  EXPECT_EQ(digits.status, Status::read);
  EXPECT_EQ(digits.digits, "00003");
  EXPECT_EQ(digits.value, "3");
  EXPECT_EQ(with(spreads, {"50000", 5, 1, 10}).status, Status::doubtful);
}

TEST(Known, AClearPhotoWinsOverAnyPrior) {
  Random random(11);
  for (int round = 0; round < 2000; ++round) {
    const std::string truth = digits_text(static_cast<std::int64_t>(random() % 100'000), 5);
    std::string old = truth;  // an exchanged meter, sometimes one that differs in one wheel
    if (random() % 2 == 0) old[random() % 5] = static_cast<char>('0' + random() % 10);
    else
      old = digits_text(static_cast<std::int64_t>(random() % 100'000), 5);
    const auto spreads = spreads_of(truth, 1e-4);
    const Digits photo = alone(spreads);
    ASSERT_EQ(photo.certain, 5);
    const Digits digits = with(spreads, {old, 5, static_cast<double>(random() % 100),
                                         static_cast<double>(random() % 20)});
    EXPECT_EQ(digits.digits, truth) << old;
    EXPECT_EQ(digits.status, Status::read);
    if (!digits.alone) {
      EXPECT_EQ(digits.confidence, photo.confidence);
    }
  }
}

TEST(Known, AnImplausibleValueIsLeftAsThePhotoSaysIt) {
  auto spreads = spreads_of("70538");
  blur(spreads[4], 8, 3, 0.4);
  const Digits photo = alone(spreads), digits = with(spreads, {"00500", 5, 1, 10});
  EXPECT_EQ(digits.digits, photo.digits);
  EXPECT_EQ(digits.certain, photo.certain);
  EXPECT_EQ(digits.confidence, photo.confidence);
  EXPECT_FALSE(digits.alone.has_value());
}

TEST(Known, AClearWheelIsNeverChangedHoweverUnclearItsNeighbours) {
  auto spreads = spreads_of("70538");
  for (const std::size_t wheel : {1U, 2U, 3U, 4U}) spreads[wheel].fill(1.0 / half_steps);
  EXPECT_EQ(with(spreads, {"20000", 5, 100, 50}).digits.front(), '7');
}

TEST(Known, ABlankPhotoIsNeverRead) {
  Spread blank;
  blank.fill(1.0 / half_steps);
  for (const std::size_t wheels : {4U, 5U, 8U, 9U})
    for (const double hours : {0.0, 1.0, 1e4})
      for (const double rate : {0.0, 1e-6, 1.0}) {
        const Digits digits =
            with(std::vector<Spread>(wheels, blank),
                 {digits_text(1234, wheels), static_cast<int>(wheels), hours, rate});
        EXPECT_NE(digits.status, Status::read);
        EXPECT_EQ(digits.certain, 0);
      }
}

TEST(Known, AWheelThatDoesNotShowIsNotFilledIn) {
  for (std::size_t wheel = 0; wheel < 5; ++wheel) {
    auto spreads = spreads_of("01234", 1e-4);
    spreads[wheel].fill(1.0 / half_steps);
    const Digits digits = with(spreads, {"01234", 5, 0, 1e-6});
    EXPECT_LE(digits.certain, static_cast<int>(wheel));
  }
}

TEST(Known, ATurningLastWheelStaysUncertain) {
  auto spreads = spreads_of("00538");
  spreads[4].fill(1e-6);
  spreads[4][17] = 1;
  const Digits digits = with(spreads, {"00538", 5, 0, 1e-6});
  EXPECT_EQ(digits.status, Status::read);
  EXPECT_EQ(digits.certain, 4);
}

TEST(Known, NonsenseChangesNothing) {
  auto spreads = spreads_of("00538");
  blur(spreads[2], 5, 3, 0.3);
  const Digits photo = alone(spreads);
  for (const Earlier& earlier :
       {Earlier{"0052x", 5, 1, 1}, Earlier{"0529", 4, 1, 1}, Earlier{"000529", 6, 1, 1},
        Earlier{"00529", 9, 1, 1}, Earlier{"00529", 5, std::nan(""), 1}}) {
    const Digits digits = with(spreads, earlier);
    EXPECT_EQ(digits.confidence, photo.confidence) << earlier.digits;
    EXPECT_EQ(digits.digits, photo.digits);
    EXPECT_FALSE(digits.alone.has_value());
  }
}

TEST(Known, AnotherNumberOfWheelsIsDoubtfulUnlessElsewhere) {
  const Register row = row_of_spreads(spreads_of("00538"));
  Known known;
  known.wheels = 6;
  EXPECT_EQ(judge(row, good_evidence, place, known).status, Status::doubtful);
  EXPECT_EQ(judge(row, good_evidence, place, known).reason, Reason::wheel_count);
  known.window = place;
  EXPECT_EQ(judge(row, good_evidence, place, known).status, Status::doubtful);
  Quad elsewhere = place;
  for (Point& corner : elsewhere) corner.y += 200;
  EXPECT_EQ(judge(row, good_evidence, elsewhere, known).status, Status::read);
  known.wheels = 5;
  EXPECT_EQ(judge(row, good_evidence, elsewhere, known).status, Status::read);
}

TEST(Known, DecimalsAreRememberedUnlessThePhotoIsClear) {
  Register row = row_of_spreads(spreads_of("00195419"));
  for (std::size_t i = 5; i < 8; ++i) row.wheels[i].red = 0.3;
  Known known;
  known.red = 3;
  EXPECT_EQ(judge(row, good_evidence, place, {}).value, "195419");
  EXPECT_EQ(judge(row, good_evidence, place, known).value, "195.419");
  for (std::size_t i = 5; i < 8; ++i) row.wheels[i].red = 0.001;
  EXPECT_EQ(judge(row, good_evidence, place, known).value, "195419");
  known.red = 8;
  EXPECT_EQ(judge(row, good_evidence, place, known).value, "195419");
}

TEST(Known, AWindowIsFourCornersThatEncloseSomething) {
  EXPECT_TRUE(is_window(place));
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), -1e7}) {
    Quad window = place;
    window[2].x = bad;
    EXPECT_FALSE(is_window(window)) << bad;
  }
  EXPECT_FALSE(is_window({}));
  EXPECT_FALSE(is_window({place[1], place[0], place[3], place[2]})) << "mirrored";
  EXPECT_FALSE(is_window({place[0], place[2], place[1], place[3]})) << "crossed";
}

// ---- files and lines ----

TEST(ParseKnown, TakesEveryPart) {
  const auto known = parse_known(
      R"({"window": [[1, 2], [30, 2.5], [30, 9], [1, 8]], "drawn": true, "wheels": 8, "red": 3,
          "earlier": {"digits": "00195419", "certain": 7, "hours": 24, "most_per_hour": 0.5}})");
  ASSERT_TRUE(known.has_value()) << known.error();
  EXPECT_EQ((*known->window)[1].y, 2.5);
  EXPECT_TRUE(known->is_drawn);
  EXPECT_EQ(known->wheels, 8);
  EXPECT_EQ(known->red, 3);
  EXPECT_EQ(known->earlier->digits, "00195419");
  EXPECT_EQ(known->earlier->certain, 7);
  EXPECT_EQ(known->earlier->hours, 24);
  EXPECT_EQ(known->earlier->most_per_hour, 0.5);
}

TEST(ParseKnown, EveryPartMayBeMissing) {
  const auto nothing = parse_known("{}"), digits = parse_known(R"({"earlier":{"digits":"012"}})");
  ASSERT_TRUE(nothing && digits);
  EXPECT_FALSE(nothing->window || nothing->is_drawn || nothing->earlier);
  EXPECT_EQ(nothing->wheels, 0);
  EXPECT_EQ(nothing->red, -1);
  EXPECT_EQ(digits->earlier->certain, 3);
}

TEST(ParseKnown, WhatIsWrongIsSaid) {
  struct Case {
    const char *text, *words;
  };
  const Case cases[] = {
      {"", "not JSON"},
      {"{", "not JSON"},
      {"NaN", "not JSON"},
      {"[]", "must be an object"},
      {R"({"wheel": 5})", R"(unknown key "wheel")"},
      {"{\"a\\nb\": 5}", R"(unknown key "a\nb")"},
      {R"({"wheels": 0})", "wheels must be"},
      {R"({"wheels": 10})", "wheels must be"},
      {R"({"wheels": 5.5})", "wheels must be"},
      {R"({"wheels": 18446744073709551620})", "wheels must be"},
      {R"({"wheels": 18446744073709551613})", "wheels must be"},
      {R"({"drawn": 1})", "drawn must be"},
      {R"({"red": -1})", "red must be"},
      {R"({"wheels": 5, "red": 5})", "red must be less"},
      {R"({"window": [[0, 0], [1, 0], [1, 1]]})", "window must be"},
      {R"({"window": [[0, 0], [9, 0], [9, "9"], [0, 9]]})", "window must be"},
      {R"({"window": [[0, 0], [9, 0], [9, null], [0, 9]]})", "window must be"},
      {R"({"window": [[0, 0], [0, 0], [0, 0], [0, 0]]})", "window must be"},
      {R"({"window": [[0, 0], [9, 9], [9, 0], [0, 9]]})", "window must be"},
      {R"({"window": [[0, 0], [1e300, 0], [1e300, 1e300], [0, 1e300]]})", "window must be"},
      {R"({"window": [[0, 0], [1e999, 0], [9, 9], [0, 9]]})", "not JSON"},
      {R"({"earlier": "00012"})", "earlier must be an object"},
      {R"({"earlier": {}})", "earlier.digits"},
      {R"({"earlier": {"digits": 12}})", "earlier.digits must be a text"},
      {R"({"earlier": {"digits": "12x"}})", "earlier.digits"},
      {R"({"earlier": {"digits": "1234567890"}})", "earlier.digits"},
      {R"({"earlier": {"digits": "123", "certain": 4}})", "earlier.certain"},
      {R"({"earlier": {"digits": "123", "hours": -1}})", "earlier.hours must be"},
      {R"({"earlier": {"digits": "123", "most_per_hour": "1"}})", "earlier.most_per_hour"},
      {R"({"earlier": {"digits": "123", "day": 1}})", R"(unknown key "day")"},
      {R"({"wheels": 5, "earlier": {"digits": "123"}})", "wheels must be as many"},
  };
  for (const Case& c : cases) {
    const auto known = parse_known(c.text);
    ASSERT_FALSE(known.has_value()) << c.text;
    EXPECT_NE(known.error().find(c.words), std::string::npos) << c.text << ": " << known.error();
  }
  EXPECT_FALSE(parse_known(std::string(100'000, ' ') + "{}").has_value());
  EXPECT_FALSE(parse_known(std::string(60'000, '[')).has_value());
}

TEST(Json, SaysWhatThePhotoAloneSaysOnlyWhenThereIsADifference) {
  Digits digits;
  digits.digits = "00538";
  auto json = nlohmann::json::parse(to_json_line("a.jpg", digits));
  EXPECT_FALSE(json.contains("alone") || json.contains("display"));
  digits.alone = Alone{"00038", 2, 0.98712};
  digits.display = Display::lcd;
  json = nlohmann::json::parse(to_json_line("a.jpg", digits));
  EXPECT_EQ(json["alone"]["digits"], "00038");
  EXPECT_EQ(json["alone"]["certain"], 2);
  EXPECT_EQ(json["alone"]["confidence"], 0.987);
  EXPECT_EQ(json["display"], "lcd");
}

}  // namespace
}  // namespace meterlens::reader
