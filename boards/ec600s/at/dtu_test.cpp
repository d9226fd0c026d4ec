// The DTU program with a Modem as its MQTT client.
#include "device/dtu/dtu.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "boards/ec600s/at/test_modem.h"
#include "protocol/json.h"

namespace meterlens::at {
namespace {

class DtuOverModem : public ModemTest {
 protected:
  DtuOverModem() {
    dtu::DtuSettings settings;
    settings.session.device = "D1";
    settings.firmware = "dtu-1";
    dtu_ = std::make_unique<dtu::Dtu>(mqtt, settings);
    dtu_->start(now);
  }

  // The modem's proper answers up to a connection that has subscribed.
  void log_in() {
    play(bring_up);
    dtu_->step(now);
    for (int i = 0; i < 8; ++i) {
      const std::string command = next();
      say(ok);
      if (command.starts_with("AT+QMTCLOSE")) say("\r\n+QMTCLOSE: 0,0\r\n");
      if (command.starts_with("AT+QMTOPEN")) say("\r\n+QMTOPEN: 0,0\r\n");
      if (command.starts_with("AT+QMTCONN")) say("\r\n+QMTCONN: 0,0,0\r\n");
    }
    dtu_->step(now);
    play({{"AT+QMTSUB=0,1,\"meterlens/D1/down\",0", "\r\nOK\r\n\r\n+QMTSUB: 0,1,0,0\r\n"}});
  }
  // The payload of the publish that is next.
  std::string take_publish(const std::string& command) {
    EXPECT_EQ(next().substr(0, command.size()), command);
    say("\r\n> ");
    const std::string payload = pull();
    say(ok);
    return payload;
  }

  std::unique_ptr<dtu::Dtu> dtu_;
};

TEST_F(DtuOverModem, TheStatusHasWhatTheModemKnows) {
  log_in();
  EXPECT_TRUE(dtu_->online());
  const std::string status = take_publish("AT+QMTPUBEX=0,1,1,1,\"meterlens/D1/status\",");
  EXPECT_TRUE(protocol::json_text(status)) << status;
  EXPECT_NE(status.find(R"("imei":"860000000000001")"), std::string::npos) << status;
  EXPECT_NE(status.find(R"("signal_dbm":-73)"), std::string::npos) << status;
}

TEST_F(DtuOverModem, SaysGoodbyeThoughTheModemIsBusy) {
  log_in();
  dtu_->stop(now);  // the first status still waits
  take_publish("AT+QMTPUBEX=0,1,1,1,\"meterlens/D1/status\",");
  dtu_->step(now);
  EXPECT_EQ(take_publish("AT+QMTPUBEX=0,2,1,1,\"meterlens/D1/status\",16"), "{\"online\":false}");
  say("\r\n+QMTPUBEX: 0,1,0\r\n\r\n+QMTPUBEX: 0,2,0\r\n");
  EXPECT_FALSE(dtu_->stopped());
  dtu_->step(now);
  EXPECT_TRUE(dtu_->stopped());
  EXPECT_FALSE(modem.closed());
  play({{"AT+QMTDISC=0", "\r\nOK\r\n\r\n+QMTDISC: 0,0\r\n"},
        {"AT+QMTCLOSE=0", "\r\nOK\r\n\r\n+QMTCLOSE: 0,0\r\n"}});
  EXPECT_TRUE(modem.closed());
}

}  // namespace
}  // namespace meterlens::at
