#include "app/doors.h"

#include <gtest/gtest.h>

namespace meterlens::app {
namespace {

TEST(Doors, LoopbackIsThisMachine) {
  for (const char* address : {"127.0.0.1", "127.1.2.3", "::1", "localhost"})
    EXPECT_TRUE(is_loopback(address)) << address;
  for (const char* address : {"0.0.0.0", "192.168.1.2", "::", "10.127.0.1", ""})
    EXPECT_FALSE(is_loopback(address)) << address;
}

TEST(Doors, TheBrokerIsOpenOnlyToThisMachineOrWhenTold) {
  const struct {
    const char* address;
    const char* devices;
    bool open;
  } table[] = {
      {"127.0.0.1", "auto", true},      {"0.0.0.0", "auto", false},
      {"0.0.0.0", "open", true},        {"127.0.0.1", "credentials", false},
      {"0.0.0.0", "credentials", false},
  };
  for (const auto& [address, devices, open] : table) {
    Settings settings;
    settings.broker_address = address;
    settings.doors_devices = devices;
    ingest::BrokerSettings broker;
    ASSERT_TRUE(shut_broker(settings, broker));
    EXPECT_EQ(broker.open, open) << address << ' ' << devices;
    EXPECT_EQ(broker.tls_port, 0);
  }
}

TEST(Doors, HomeAssistantNeedsAnAddressWhereTheBrokerIsNotOpen) {
  const struct {
    const char* devices;
    const char* address;
    bool starts;
  } table[] = {{"auto", "", true},
               {"open", "", true},
               {"credentials", "", false},
               {"credentials", "home.example.net", true}};
  for (const auto& [devices, address, starts] : table) {
    Settings settings;
    settings.broker_address = "127.0.0.1";
    settings.doors_devices = devices;
    settings.notify.home_assistant.enabled = true;
    settings.notify.home_assistant.address = address;
    ingest::BrokerSettings broker;
    const auto shut = shut_broker(settings, broker);
    EXPECT_EQ(shut.has_value(), starts) << devices << ' ' << address;
    if (shut) continue;
    EXPECT_NE(shut.error().find("[notify.home_assistant]"), std::string::npos) << shut.error();
  }
}

TEST(Doors, CertificatesThatAreNotThereAreNamed) {
  Settings settings;
  settings.tls_mqtt_certificate_file = "/no/such.pem";
  ingest::BrokerSettings broker;
  EXPECT_FALSE(shut_broker(settings, broker)) << "without a key";
  settings.tls_mqtt_key_file = "/no/such.key";
  const auto shut = shut_broker(settings, broker);
  ASSERT_FALSE(shut);
  EXPECT_NE(shut.error().find("/no/such.pem"), std::string::npos) << shut.error();
}

}  // namespace
}  // namespace meterlens::app
