// Only what needs no name server: numbers, and the tables of the machine.
#include "core/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <cerrno>
#include <clocale>
#include <cstring>
#include <string>

#include "test/check.h"

namespace sk {

namespace {

Question numeric(const std::string& host, const std::string& service = "80") {
  Question question;
  question.host = host;
  question.service = service;
  question.type = SOCK_STREAM;
  question.flags = AI_NUMERICHOST;
  return question;
}

Question nameless(const Sockaddr& address, int flags = NI_NUMERICHOST | NI_NUMERICSERV) {
  Question question;
  question.address = address;
  question.flags = flags;
  return question;
}

Sockaddr sockaddr_of(const std::string& host, const std::string& service) {
  const Answer answer = look_up(numeric(host, service));
  CHECK_EQ(answer.code, 0);
  CHECK_EQ(answer.rows.size(), 1u);
  return answer.rows[0].address;
}

}  // namespace

TEST("look_up answers an address of each family in the system's form") {
  const Answer v4 = look_up(numeric("127.0.0.1"));
  CHECK_EQ(v4.rows.size(), 1u);
  const AddressInfo& row = v4.rows[0];
  CHECK_EQ(row.family, AF_INET);
  CHECK_EQ(row.type, SOCK_STREAM);
  CHECK_EQ(row.protocol, IPPROTO_TCP);
  CHECK_EQ(row.flags, AI_NUMERICHOST);
  CHECK_EQ(row.address.length, sizeof(sockaddr_in));
  CHECK(!row.canonical_name);
  Address address;
  CHECK_EQ(decode(row.address, &address), 0);
  CHECK_EQ(address.port, 80);

  CHECK_EQ(decode(look_up(numeric("fe80::1%7")).rows[0].address, &address), 0);
  CHECK_EQ(address.family, Family::ipv6);
  CHECK_EQ(address.scope, 7u);
}

TEST("look_up answers one row for each type of socket") {
  Question question = numeric("::1");
  question.type = 0;
  CHECK_EQ(look_up(question).rows.size(), 3u);
}

TEST("look_up gives the canonical name with the first row alone") {
  Question question = numeric("127.0.0.1");
  question.type = 0;
  question.flags |= AI_CANONNAME;
  const Answer answer = look_up(question);
  CHECK_EQ(answer.rows.size(), 3u);
  CHECK(answer.rows[0].canonical_name == "127.0.0.1");
  CHECK(!answer.rows[1].canonical_name);
}

TEST("look_up of no host is the loopback, or with AI_PASSIVE every address") {
  Question question = numeric("");
  question.host.reset();
  question.family = AF_INET;
  question.flags = 0;
  Address address;
  CHECK_EQ(decode(look_up(question).rows.at(0).address, &address), 0);
  CHECK_EQ(address.bytes[0], 127);
  question.flags = AI_PASSIVE;
  CHECK_EQ(decode(look_up(question).rows.at(0).address, &address), 0);
  CHECK_EQ(address.bytes[0], 0);
}

TEST("look_up says why there is no answer") {
  CHECK_EQ(look_up(numeric("no number")).code, EAI_NONAME);
  CHECK_EQ(look_up(numeric("127.0.0.1", "no-such-service")).code, EAI_SERVICE);
  CHECK_EQ(look_up(Question{}).code, EAI_NONAME);
  Question question = numeric("127.0.0.1");
  question.family = AF_INET6;
  CHECK_EQ(look_up(question).code, EAI_ADDRFAMILY);
  question.family = 12345;
  CHECK_EQ(look_up(question).code, EAI_FAMILY);
  question = numeric("127.0.0.1");
  question.type = 12345;
  CHECK_EQ(look_up(question).code, EAI_SOCKTYPE);
  question = numeric("127.0.0.1");
  question.flags = 1 << 30;
  CHECK_EQ(look_up(question).code, EAI_BADFLAGS);
}

TEST("look_up reads names as UTF-8 for IDNA, and leaves the locale alone") {
  const std::string before = setlocale(LC_CTYPE, nullptr);
  Question question = numeric(
      "b\xc3\xbc"
      "cher");
  question.flags |= AI_IDN;
  // It got past the encoding: then it is no number.
  CHECK_EQ(look_up(question).code, EAI_NONAME);
  CHECK_EQ(std::string(setlocale(LC_CTYPE, nullptr)), before);
  CHECK(uselocale(nullptr) == LC_GLOBAL_LOCALE);
}

TEST("look_up survives names and services of every length") {
  for (const size_t length : {0, 1, 253, 254, 1024, 1025, 70000}) {
    CHECK_EQ(look_up(numeric(std::string(length, 'a'))).code, EAI_NONAME);
    if (length > 0) {
      CHECK_EQ(look_up(numeric("::1", std::string(length, 'a'))).code, EAI_SERVICE);
    }
  }
}

TEST("look_up of an address is its numbers, or its service's name") {
  const Sockaddr address = sockaddr_of("127.0.0.1", "22");
  Answer answer = look_up(nameless(address));
  CHECK_EQ(answer.code, 0);
  CHECK_EQ(answer.host, std::string("127.0.0.1"));
  CHECK_EQ(answer.service, std::string("22"));
  answer = look_up(nameless(address, NI_NUMERICHOST));
  CHECK_EQ(answer.service, std::string("ssh"));
}

TEST("look_up of an address that is cut, or of another family, says EAI_FAMILY") {
  Sockaddr cut = sockaddr_of("::1", "22");
  cut.length = sizeof(sockaddr_in6) - 5;
  CHECK_EQ(look_up(nameless(cut)).code, EAI_FAMILY);
  cut.length = 0;
  CHECK_EQ(look_up(nameless(cut)).code, EAI_FAMILY);
  Sockaddr other;
  other.storage.ss_family = AF_NETLINK;
  CHECK_EQ(look_up(nameless(other)).code, EAI_FAMILY);
}

TEST("service_by_name and service_by_port find what is in services(5)") {
  Service service;
  CHECK_EQ(service_by_name("http", nullptr, &service), 0);
  CHECK_EQ(service.port, 80);
  CHECK_EQ(service.protocol, std::string("tcp"));
  CHECK_EQ(service_by_name("domain", "udp", &service), 0);
  CHECK_EQ(service.port, 53);
  CHECK_EQ(service.protocol, std::string("udp"));
  CHECK_EQ(service_by_port(22, "tcp", &service), 0);
  CHECK_EQ(service.name, std::string("ssh"));
  // By its alias.
  CHECK_EQ(service_by_name("www", "tcp", &service), 0);
  CHECK_EQ(service.name, std::string("http"));
  CHECK_EQ(service.aliases.at(0), std::string("www"));
}

TEST("service_by_name and service_by_port answer -ENOENT for what there is not") {
  Service service;
  CHECK_EQ(service_by_name("no-such-service", nullptr, &service), -ENOENT);
  CHECK_EQ(service_by_name("http", "no-such-protocol", &service), -ENOENT);
  CHECK_EQ(service_by_name("", "", &service), -ENOENT);
  CHECK_EQ(service_by_name(std::string(100000, 'x').c_str(), nullptr, &service), -ENOENT);
  CHECK_EQ(service_by_port(1, "no-such-protocol", &service), -ENOENT);
}

TEST("protocol_by_name and protocol_by_number find what is in protocols(5)") {
  Protocol protocol;
  CHECK_EQ(protocol_by_name("TCP", &protocol), 0);
  CHECK_EQ(protocol.name, std::string("tcp"));
  CHECK_EQ(protocol.number, 6);
  CHECK_EQ(protocol_by_number(58, &protocol), 0);
  CHECK_EQ(protocol.name, std::string("ipv6-icmp"));
  CHECK_EQ(protocol.aliases.at(0), std::string("IPv6-ICMP"));
  CHECK_EQ(protocol_by_name("no-such-protocol", &protocol), -ENOENT);
  for (const int number : {-1, 253, INT32_MAX, INT32_MIN})
    CHECK_EQ(protocol_by_number(number, &protocol), -ENOENT);
}

// The last one: what glibc could not read it may not read again.
TEST("look_up and the tables say EMFILE when there is no descriptor (F02)") {
  rlimit before = {};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 0;
  ::setrlimit(RLIMIT_NOFILE, &none);
  Question name;
  name.host = "no-such-name.invalid";
  const Answer unknown = look_up(name);
  const Answer unread = look_up(numeric("127.0.0.1", "no-such-service"));
  name.family = 12345;
  const Answer wrong = look_up(name);
  Service service;
  const int missing = service_by_name("no-such-service", nullptr, &service);
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK_EQ(unknown.code, EAI_SYSTEM);
  CHECK_EQ(unknown.error, EMFILE);
  CHECK_EQ(unread.code, EAI_SYSTEM);
  CHECK_EQ(unread.error, EMFILE);
  CHECK_EQ(wrong.code, EAI_FAMILY);
  CHECK_EQ(missing, -EMFILE);
  CHECK_EQ(look_up(numeric("no number")).code, EAI_NONAME);
}

}  // namespace sk
