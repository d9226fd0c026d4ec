#include "reader/evaluate.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "reader/batch.h"
#include "reader/fixture.h"

namespace meterlens::reader {
namespace {

namespace fs = std::filesystem;

using test::golden;

Answer answer_of(const std::string& digits, int certain, Status status, double confidence,
                 int red = 0) {
  Digits out;
  out.status = status;
  out.digits = digits;
  out.certain = certain;
  out.confidence = confidence;
  out.red = red;
  out.ms = confidence * 100;
  return out;
}

Labelled photo_of(const std::string& label, int red = -1) { return {"x.jpg", label, {label}, red}; }

TEST(Evaluate, TakesTheDecimalsOfALabel) {
  const fs::path csv = fs::path(testing::TempDir()) / "units.csv";
  std::ofstream(csv) << "file,label,red\na.jpg,00195419,3\nb.jpg,00195419,\nc.jpg,1,x\nd.jpg,1\n";
  const auto photos = labels_of(csv);
  ASSERT_TRUE(photos);
  EXPECT_EQ((*photos)[0].red, 3);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ((*photos)[i].red, -1) << i;
  std::ofstream(csv) << "file,decimals,label\na.jpg,2,00195419\n";
  EXPECT_EQ(labels_of(csv)->front().red, 2);
}

TEST(Evaluate, TakesLabelsAsSpreadsheetsWriteThem) {
  const fs::path csv = fs::path(testing::TempDir()) / "sheet.csv";
  std::ofstream(csv) << "\xEF\xBB\xBF" "file,label\r\n\"a, \"\"b\"\".jpg\",1\r\n"
                     << "5 3\".jpg,2\r\nc.jpg,3";
  const auto photos = labels_of(csv);
  ASSERT_TRUE(photos) << photos.error();
  ASSERT_EQ(photos->size(), 3U);
  EXPECT_EQ((*photos)[0].file.filename(), "a, \"b\".jpg");
  EXPECT_EQ((*photos)[1].file.filename(), "5 3\".jpg");
  EXPECT_EQ((*photos)[2].label, "3");
}

TEST(Evaluate, CountsWholeUnitsWrongCertainWheelsAndTimes) {
  const std::vector<Labelled> photos{photo_of("00195419", 3), photo_of("00195419", 3),
                                     photo_of("00195419", 3), photo_of("00195"), photo_of(""),
                                     photo_of("00195419", 3)};
  const std::vector<Answer> answers{
      answer_of("00195410", 7, Status::read, 0.9),        // a decimal wrong, but not certain
      answer_of("00295419", 8, Status::read, 0.8),        // a unit wrong
      answer_of("0019541", 7, Status::doubtful, 0.1, 2),  // a decimal wheel missing
      answer_of("00195", 5, Status::read, 0.7), answer_of("7", 1, Status::read, 0.6),
      std::unexpected(Error{Fault::not_a_jpeg, "no picture"})};
  const Report report = report_of(photos, answers);
  EXPECT_EQ(report.n, 6);
  EXPECT_EQ(report.labelled, 5);
  EXPECT_EQ(report.exact, 1);
  EXPECT_EQ(report.units_known, 4);
  EXPECT_EQ(report.units_right, 2);
  EXPECT_EQ(report.read, 4);
  EXPECT_EQ(report.wrong_while_read, 1);
  EXPECT_EQ(report.doubtful, 1);
  EXPECT_EQ(report.errors, 1);
  EXPECT_DOUBLE_EQ(report.ms_per_photo, 62);
  EXPECT_DOUBLE_EQ(report.ms_50, 70);
  EXPECT_DOUBLE_EQ(report.ms_95, 90);
  EXPECT_EQ(nlohmann::json::parse(to_json_line(report))["units_right"], 2);
}

TEST(Evaluate, CountsTheDecimalsOfWhatIsReadWithTheRightNumberOfWheels) {
  const std::vector<Labelled> photos{photo_of("00195419", 3), photo_of("00195419", 3),
                                     photo_of("00195419", 3), photo_of("00195419", 3),
                                     photo_of("00195419"),    photo_of("00195", 0)};
  std::vector<Answer> answers{answer_of("00195419", 8, Status::read, 1, 3),
                              answer_of("90195419", 8, Status::read, 1, 2),
                              answer_of("00195419", 8, Status::doubtful, 1, 3),
                              answer_of("0019541", 7, Status::read, 1, 3),
                              answer_of("00195419", 8, Status::read, 1, 3),
                              answer_of("00195", 5, Status::read, 1, 0)};
  for (const std::size_t i : {1U, 5U}) answers[i]->red_confidence = red_sure;
  const Report report = report_of(photos, answers);
  EXPECT_EQ(report.decimals_known, 3);  // the first two and the last
  EXPECT_EQ(report.decimals_right, 2);
  EXPECT_EQ(report.decimals_sure, 2);
  EXPECT_EQ(report.decimals_sure_right, 1);
  EXPECT_EQ(nlohmann::json::parse(to_json_line(report))["decimals_sure_right"], 1);
}

TEST(Evaluate, TheCurveGoesFromTheSurestToTheRest) {
  const std::vector<Labelled> photos{photo_of("11"), photo_of("22"), photo_of("33"),
                                     photo_of("4444"), photo_of("")};
  const std::vector<Answer> answers{answer_of("11", 2, Status::read, 0.9),
                                    answer_of("29", 2, Status::doubtful, 0.5),
                                    answer_of("33", 2, Status::read, 0.5),
                                    answer_of("4444", 1, Status::doubtful, 0.8),
                                    answer_of("55", 2, Status::read, 0.99)};
  const auto curve = curve_of(photos, answers);
  ASSERT_EQ(curve.size(), 2U);
  EXPECT_EQ(curve[0].threshold, 0.9);
  EXPECT_EQ(curve[0].coverage, 0.25);
  EXPECT_EQ(curve[0].risk, 0);
  EXPECT_EQ(curve[1].threshold, 0.5);
  EXPECT_EQ(curve[1].coverage, 0.75);
  EXPECT_NEAR(curve[1].risk, 1 / 3.0, 1e-9);
}

TEST(Evaluate, NamesWhatTwoReadersAnswerDifferently) {
  const std::vector<Labelled> photos{photo_of("11"), photo_of("22"), photo_of("33"), photo_of("")};
  const std::vector<Answer> older{answer_of("11", 2, Status::read, 0.9),
                                  answer_of("22", 2, Status::read, 0.9),
                                  answer_of("39", 2, Status::read, 0.9),
                                  std::unexpected(Error{Fault::not_a_jpeg, "no picture"})};
  auto newer = older;
  newer[0]->confidence = 0.8;
  newer[1]->certain = 1;
  newer[2] = answer_of("33", 2, Status::doubtful, 0.9);
  EXPECT_EQ(differences(older, newer), (std::vector<std::size_t>{1, 2}));
  auto shifted = older;
  shifted[0]->red = 1;  // another value, of the same digits
  EXPECT_EQ(differences(older, shifted), std::vector<std::size_t>{0});
  const auto json = nlohmann::json::parse(to_json_line(photos, older, newer));
  EXPECT_EQ(json["old"]["exact"], 2);
  EXPECT_EQ(json["new"]["exact"], 3);
  ASSERT_EQ(json["photos"].size(), 2U);
  EXPECT_EQ(json["photos"][1]["label"], "33");
  EXPECT_EQ(json["photos"][1]["old"]["digits"], "39");
  EXPECT_EQ(json["photos"][1]["new"]["status"], "doubtful");
}

TEST(Evaluate, SingleWheelsMayBeHalfAStepOff) {
  const std::vector<std::string> labels{"0.0", "3", "3.7", "9.9", "NaN", "10", "5.1"};
  std::vector<Labelled> wheels;
  for (const auto& label : labels) wheels.push_back(photo_of(label));
  const std::vector<double> seen{9.6, 3.5, 3.1, 0.3, 5.7};
  std::size_t next = 0;
  const auto report = evaluate_wheels(
      wheels, [&](std::span<const std::byte>) -> std::expected<Wheel, Error> {
        return Wheel{.position = seen[next++], .digit = '0', .confidence = 1, .red = 0};
      });
  EXPECT_EQ(report.n, 5);
  EXPECT_EQ(report.near, 3);  // 0.0, 3 and 9.9
  EXPECT_EQ(report.skipped, 2);
  EXPECT_EQ(report.errors, 0);
}

TEST(Batch, TellsInOrderWhateverTheNumberOfThreads) {
  auto reader = Reader::open("reader/models");
  const auto photos = labels_of(golden / "labels.csv");
  ASSERT_TRUE(reader && photos);
  std::vector<std::vector<std::string>> seen;
  for (const int threads : {1, 3}) {
    seen.emplace_back();
    const auto each = [&](const Outcome& outcome) {
      seen.back().push_back(outcome.photo.label + " " + (*outcome.digits).digits);
    };
    const auto answers = read_all(*reader, *photos, each, {.threads = threads, .mirror = false});
    EXPECT_EQ(report_of(*photos, answers).exact, 4);
  }
  EXPECT_EQ(seen[0].size(), 4U);
  EXPECT_EQ(seen[0], seen[1]);
  const auto mirrored = read_all(*reader, *photos, {}, {.threads = 2, .mirror = true});
  EXPECT_EQ(report_of(*photos, mirrored).read, 0);
  EXPECT_EQ(report_of(*photos, mirrored).errors, 0);
  int told = 0;
  for_each_photo(*reader, 0, 2, [](Reader&, std::size_t) {}, [&](std::size_t) { ++told; });
  EXPECT_EQ(told, 0);
  EXPECT_EQ(thread_count(8, 3), 3);
  EXPECT_EQ(thread_count(8, 0), 1);
  EXPECT_GE(thread_count(0, 1000), 1);
}

}  // namespace
}  // namespace meterlens::reader
