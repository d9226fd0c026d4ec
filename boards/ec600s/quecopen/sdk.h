/* Every assumption about the maker's SDK (QuecOpen, ASR family, ThreadX) is in this file, and
 * nowhere else: what is used of it, and what each is believed to do. None of it was ever tried on
 * the SDK or on a module; README.md says which are likely wrong. Sources: (N) the name is given in
 * published notes on the family, (P) it is Eclipse Paho's embedded client, whose documentation is
 * public, (U) common usage in published programs for modules of the family, (G) guessed by us.
 *
 * With METERLENS_QUECTEL_SDK defined the maker's own headers declare all this, and a difference is
 * an error of the compiler in the file that uses it. Without it (tests, sizes) the declarations
 * below do: ours, only as much as is used. They are no copy of the maker's headers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line for whoever holds the debug port; never with a password. (G: the SDK's way to print
 * differs between versions; the integrator defines it.) */
#ifndef METERLENS_LOG
#ifdef METERLENS_QUECTEL_SDK
#define METERLENS_LOG(text) ((void)(text))
#else
#define METERLENS_LOG(text) meterlens_log(text)
#endif
#endif

#ifdef METERLENS_QUECTEL_SDK

#include <MQTTClient.h>
#include <ql_data_call.h>
#include <ql_dev.h>
#include <ql_fs.h>
#include <ql_nw.h>
#include <ql_power.h>
#include <ql_rtc.h>
#include <ql_rtos.h>
#include <ql_sim.h>
#include <ql_ssl_hal.h>
#include <ql_uart.h>

#else

#ifdef __cplusplus
extern "C" {
#endif

void meterlens_log(const char* text);

/* Tasks (N), semaphores and mutexes (U). 0 is success everywhere. A task has its own stack of
 * `stack_bytes`; a lower `priority` number runs first (U; ThreadX). Waiting takes ms (U; if it were
 * ticks of 5 ms, waits would be five times too long, nothing worse). */
typedef void* ql_task_t;
typedef void* ql_sem_t;
typedef void* ql_mutex_t;
#define QL_WAIT_FOREVER 0xFFFFFFFFUL
int ql_rtos_task_create(ql_task_t* task, uint32_t stack_bytes, uint8_t priority, const char* name,
                        void (*run)(void* argument), void* argument);
void ql_rtos_task_sleep_ms(uint32_t ms);
/* Ticks of 5 ms since the start, 32 bits that wrap (N: 5 ms). */
uint32_t ql_rtos_get_systicks(void);
#define METERLENS_TICK_MS 5
int ql_rtos_semaphore_create(ql_sem_t* semaphore, uint32_t count);
/* Not 0: the time is up. 0 ms: does not wait. */
int ql_rtos_semaphore_wait(ql_sem_t semaphore, uint32_t ms);
/* May be called in a UART's callback (G). */
int ql_rtos_semaphore_release(ql_sem_t semaphore);
int ql_rtos_mutex_create(ql_mutex_t* mutex);
int ql_rtos_mutex_lock(ql_mutex_t mutex, uint32_t ms);
int ql_rtos_mutex_unlock(ql_mutex_t mutex);

/* Serial ports (N). The callback runs when bytes have come, in some task of the SDK (U). */
typedef enum QL_UART_PORT_NUMBER_E { QL_MAIN_UART_PORT = 1 } QL_UART_PORT_NUMBER_E;
typedef enum QL_FLOW_CTRL_E { QL_FC_NONE = 0 } QL_FLOW_CTRL_E;
typedef void (*ql_uart_callback)(QL_UART_PORT_NUMBER_E port, void* argument);
/* The speed is passed as the number of baud (N: constants of that value). Opening again after a
 * close is how the speed is changed; a structure of settings exists too, but its members vary
 * (U). */
int ql_uart_open(QL_UART_PORT_NUMBER_E port, int baud, QL_FLOW_CTRL_E flow);
int ql_uart_close(QL_UART_PORT_NUMBER_E port);
int ql_uart_register_cb(QL_UART_PORT_NUMBER_E port, ql_uart_callback callback);
/* How many bytes were there, at once, never waiting; below 0: an error (U). */
int ql_uart_read(QL_UART_PORT_NUMBER_E port, unsigned char* out, unsigned int bytes_max);
/* How many bytes the driver took, perhaps not all; below 0: an error (U). */
int ql_uart_write(QL_UART_PORT_NUMBER_E port, unsigned char* bytes, unsigned int count);

/* Files (N: names; U: as in the C library, the count of bytes is returned). "U:" is the user's
 * file system (U). */
typedef struct QFILE QFILE;
#define METERLENS_FOLDER "U:/"
QFILE* ql_fopen(const char* path, const char* mode);
int ql_fclose(QFILE* file);
int ql_fread(void* out, size_t size, size_t count, QFILE* file);
int ql_fwrite(const void* data, size_t size, size_t count, QFILE* file);
/* What was written survives a power cut from here on (G). */
int ql_fsync(QFILE* file);

/* The network (U). 0: registered, after at most that many seconds. */
int ql_network_register_wait(uint32_t timeout_s);
/* A data call on a profile, IP version 0: IPv4; APN, user and password NULL: the network's own.
 * Blocks until it is up (0) or has failed. */
int ql_start_data_call(int profile, int ip_version, char* apn, char* user, char* password,
                       int authentication);
int ql_stop_data_call(int profile);
/* 0 to 31 as AT+CSQ tells it, 99: not known (G). */
int ql_nw_get_csq(unsigned char* csq);
/* Digits and a 0 (U). */
int ql_dev_get_imei(char* out, size_t chars);
int ql_sim_get_iccid(char* out, size_t chars);

/* The clock, in UTC, set by the network itself after registration (U). tm_year counts from 0,
 * tm_mon from 1. */
typedef struct ql_rtc_time_t {
  int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday;
} ql_rtc_time_t;
int ql_rtc_get_time(ql_rtc_time_t* out);

/* Restarts the module (U). */
void ql_power_reset(void);

/* MQTT (P). Paho's structures, as far as they are used; the client, opaque here, is as large as
 * needed. The client keeps pointers to buffers, topic and network. One task may use it at a time.
 *
 * TLS (U: published programs for modules of the family name these members; others stay 0). The
 * handshake is part of NetworkConnect and ends with an error unless the broker's certificate comes
 * from rootCA and is made out to serverName (G: the name is compared; a broker given as an address
 * may not pass). Certificates are PEM files, keys without a password; texts and files are needed as
 * long as the connection lasts. */
typedef enum SSLVersion { SSL_VSN_TLSV12 = 3 } SSLVersion;
typedef enum SSLVerifyMode { SSL_VERIFY_MODE_REQUIRED = 2 } SSLVerifyMode;
typedef enum SSLCertFrom { SSL_CERT_FROM_FS = 1 } SSLCertFrom;
typedef struct SSLCertPath {
  char *rootCA, *clientKey, *clientCert; /* NULL: none */
} SSLCertPath;
typedef struct SSLCert {
  SSLCertFrom from;
  SSLCertPath path;
} SSLCert;
typedef struct SSLConfig {
  unsigned char en; /* 0: no TLS */
  int profileIdx;   /* of the data call */
  char* serverName;
  unsigned short serverPort;
  SSLVersion vsn; /* the one that is spoken */
  SSLVerifyMode verify;
  SSLCert cert;
  char* cipherList; /* "ALL": what the SDK has */
} SSLConfig;
typedef struct Network {
  int my_socket;
  void* opaque[2];
} Network;
typedef struct MQTTClient {
  void* opaque[64];
} MQTTClient;
enum QoS { QOS0, QOS1, QOS2 };
typedef struct MQTTLenString {
  int len;
  char* data;
} MQTTLenString;
typedef struct MQTTString {
  char* cstring;
  MQTTLenString lenstring;
} MQTTString;
typedef struct MQTTMessage {
  enum QoS qos;
  unsigned char retained;
  unsigned char dup;
  unsigned short id;
  void* payload;
  size_t payloadlen;
} MQTTMessage;
typedef struct MessageData {
  MQTTMessage* message;
  MQTTString* topicName; /* a length and characters without a 0 */
} MessageData;
typedef void (*messageHandler)(MessageData*);
typedef struct MQTTPacket_willOptions {
  MQTTString topicName, message;
  unsigned char retained;
  char qos;
} MQTTPacket_willOptions;
typedef struct MQTTPacket_connectData {
  unsigned char MQTTVersion; /* 4: 3.1.1 */
  MQTTString clientID;
  unsigned short keepAliveInterval;
  unsigned char cleansession;
  unsigned char willFlag;
  MQTTPacket_willOptions will;
  MQTTString username, password;
} MQTTPacket_connectData;
#define MQTTPacket_connectData_initializer \
  { .MQTTVersion = 4 }
/* With TLS and the data call's profile (U; Paho's own takes the network alone). `tls` is needed as
 * long as the network is. */
void NetworkInit(Network* network, SSLConfig* tls, int profile);
/* 0: connected. Blocks as long as the SDK's resolver, TCP and TLS take. */
int NetworkConnect(Network* network, char* host, int port);
void NetworkDisconnect(Network* network);
void MQTTClientInit(MQTTClient* client, Network* network, unsigned int command_timeout_ms,
                    unsigned char* send_buffer, size_t send_bytes, unsigned char* read_buffer,
                    size_t read_bytes);
/* After each MQTTClientInit, once the client is done with (U). */
void MQTTClientDeinit(MQTTClient* client);
/* Each blocks for the answer, at most command_timeout_ms; 0: it came and was good. While one waits,
 * messages that arrive are given to their handler. A packet longer than a buffer is an error. */
int MQTTConnect(MQTTClient* client, MQTTPacket_connectData* options);
int MQTTSubscribe(MQTTClient* client, const char* filter, enum QoS qos, messageHandler handler);
int MQTTPublish(MQTTClient* client, const char* topic, MQTTMessage* message);
int MQTTDisconnect(MQTTClient* client);
/* Reads for `ms`, sends the pings; not 0: the connection is gone. */
int MQTTYield(MQTTClient* client, int ms);

#ifdef __cplusplus
}
#endif

#endif
