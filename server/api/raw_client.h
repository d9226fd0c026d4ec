// For the tests of api/: HTTP by hand over a socket of 127.0.0.1, so that anything can be sent.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <string>

namespace meterlens::api::test {

class RawClient {
 public:
  // Waits at most `deadline_s` for each answer.
  explicit RawClient(std::uint16_t port, int deadline_s = 10) {
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    const timeval deadline{deadline_s, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  ~RawClient() { close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }

  // False when the server has closed before all was taken.
  bool send(const std::string& bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
      const ssize_t sent = ::send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      at += static_cast<std::size_t>(sent);
    }
    return true;
  }

  // What has come when `words` are in it, or all until the end or the deadline.
  std::string read_until(const std::string& words) {
    while (text_.find(words) == std::string::npos && more()) {
    }
    return text_;
  }

  // One answer with Content-Length: header and body.
  std::string read_answer() {
    const std::string head = read_until("\r\n\r\n");
    const std::size_t body = head.find("\r\n\r\n");
    const std::size_t length = head.find("Content-Length: ");
    if (body == std::string::npos || length == std::string::npos) return text_;
    const std::size_t end = body + 4 + std::stoul(head.substr(length + 16));
    while (text_.size() < end && more()) {
    }
    const std::string answer = text_.substr(0, end);
    text_.erase(0, end);
    return answer;
  }

  // Whether the server closes the connection.
  bool sees_end() {
    while (more()) {
    }
    return ended_;
  }

 private:
  bool more() {
    char bytes[65536];
    const ssize_t count = recv(socket_, bytes, sizeof bytes, 0);
    ended_ = count == 0 || (count < 0 && errno == ECONNRESET);
    if (count <= 0) return false;
    text_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  int socket_ = -1;
  bool connected_ = false;
  bool ended_ = false;
  std::string text_;
};

inline std::string get(std::uint16_t port, const std::string& path,
                       const std::string& headers = {}) {
  RawClient client(port);
  client.send("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + "\r\n");
  return client.read_answer();
}

inline std::string send(const std::string& method, std::uint16_t port, const std::string& path,
                        const std::string& body, const std::string& headers = {}) {
  RawClient client(port);
  client.send(method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body);
  return client.read_answer();
}

inline std::string post(std::uint16_t port, const std::string& path, const std::string& body,
                        const std::string& headers = {}) {
  return send("POST", port, path, body, headers);
}

inline int status_of(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

inline std::string body_of(const std::string& answer) {
  const std::size_t at = answer.find("\r\n\r\n");
  return at == std::string::npos ? "" : answer.substr(at + 4);
}

}  // namespace meterlens::api::test
