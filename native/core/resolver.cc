#include "core/resolver.h"

#include <arpa/inet.h>
#include <locale.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/syscalls.h"

namespace sk {

namespace {

// For AI_IDN and its kin glibc reads and writes text in the encoding of the locale. Node leaves the
// process in the C locale, which has no letters beyond ASCII; a locale of the thread's own changes
// that for nobody else.
class Utf8Text {
 public:
  Utf8Text() : previous_(uselocale(utf8())) {}
  ~Utf8Text() { uselocale(previous_); }
  Utf8Text(const Utf8Text&) = delete;
  Utf8Text& operator=(const Utf8Text&) = delete;

 private:
  // Never freed: threads may use it to the process's end. Where there is no such locale the null
  // leaves all as it is, and the system says EAI_IDN_ENCODE.
  static locale_t utf8() {
    static const locale_t made = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return made;
  }

  locale_t previous_;
};

bool is_shortage(int error) { return error == EMFILE || error == ENFILE; }

// For want of a descriptor glibc finds neither its tables nor a name server, and says that there is
// no such name. It may have left the reason in errno, and whether there is one now can be tried.
// Returns an errno, or 0 if there are descriptors.
int shortage(int error_left) {
  if (is_shortage(error_left)) return error_left;
  const int fd = sys::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) sys::close(fd);
  return is_shortage(-fd) ? -fd : 0;
}

// Whether the verdict needs no descriptor: it is about the question.
bool is_about_question(int code) {
  return code == EAI_BADFLAGS || code == EAI_FAMILY || code == EAI_SOCKTYPE ||
         code == EAI_ADDRFAMILY || code == EAI_MEMORY || code == EAI_OVERFLOW;
}

Answer failure(int code, int error_left) {
  Answer answer;
  answer.code = code;
  if (code == EAI_SYSTEM) {
    answer.error = error_left;
  } else if (!is_about_question(code)) {
    answer.error = shortage(error_left);
    if (answer.error != 0) answer.code = EAI_SYSTEM;
  }
  return answer;
}

AddressInfo info_of(const addrinfo& row) {
  AddressInfo info = {row.ai_family, row.ai_socktype, row.ai_protocol, row.ai_flags, {}, {}};
  info.address.length =
      static_cast<socklen_t>(std::min<size_t>(row.ai_addrlen, sizeof(info.address.storage)));
  memcpy(&info.address.storage, row.ai_addr, info.address.length);
  if (row.ai_canonname != nullptr) info.canonical_name = row.ai_canonname;
  return info;
}

Answer find_addresses(const Question& question) {
  addrinfo hints = {};
  hints.ai_flags = question.flags;
  hints.ai_family = question.family;
  hints.ai_socktype = question.type;
  hints.ai_protocol = question.protocol;
  addrinfo* list = nullptr;
  errno = 0;
  const int code =
      ::getaddrinfo(question.host ? question.host->c_str() : nullptr,
                    question.service ? question.service->c_str() : nullptr, &hints, &list);
  if (code != 0) return failure(code, errno);
  Answer answer;
  for (const addrinfo* row = list; row != nullptr; row = row->ai_next) {
    answer.rows.push_back(info_of(*row));
  }
  ::freeaddrinfo(list);
  return answer;
}

Answer find_names(const Question& question) {
  // NI_MAXSERV is 32; nothing says that a service's name is no longer.
  char host[NI_MAXHOST] = "";
  char service[NI_MAXHOST] = "";
  errno = 0;
  const int code = ::getnameinfo(question.address->get(), question.address->length, host,
                                 sizeof(host), service, sizeof(service), question.flags);
  if (code != 0) return failure(code, errno);
  Answer answer;
  answer.host = host;
  answer.service = service;
  return answer;
}

// The calls whose names end in _r want memory, and say ERANGE until it is enough.
constexpr size_t kFirstBuffer = 1024;
constexpr size_t kLastBuffer = 1024 * 1024;

// Runs `call(buffer, size)`, which answers an error number, with as much memory as it wants.
template <typename Call>
int with_buffer(Call call) {
  std::vector<char> buffer(kFirstBuffer);
  for (;;) {
    const int error = call(buffer.data(), buffer.size());
    if (error != ERANGE || buffer.size() >= kLastBuffer) return error;
    buffer.resize(buffer.size() * 4);
  }
}

std::vector<std::string> list_of(char* const* names) {
  std::vector<std::string> list;
  for (; names != nullptr && *names != nullptr; ++names) list.emplace_back(*names);
  return list;
}

void copy(const servent& entry, Service* out) {
  out->name = entry.s_name;
  out->aliases = list_of(entry.s_aliases);
  out->port = ntohs(static_cast<uint16_t>(entry.s_port));
  out->protocol = entry.s_proto;
}

void copy(const protoent& entry, Protocol* out) {
  out->name = entry.p_name;
  out->aliases = list_of(entry.p_aliases);
  out->number = entry.p_proto;
}

// `Entry` is what the system fills in, `call` one of its functions without its last four arguments.
template <typename Entry, typename Out, typename Call>
int find_entry(Out* out, Call call) {
  Entry entry = {};
  bool is_found = false;
  const int error = with_buffer([&](char* buffer, size_t size) {
    Entry* found = nullptr;
    const int result = call(&entry, buffer, size, &found);
    is_found = result == 0 && found != nullptr;
    // Copied while the buffer lives.
    if (is_found) copy(entry, out);
    return result;
  });
  if (is_found) return 0;
  if (error != 0 && error != ENOENT) return -error;
  const int lacking = shortage(0);
  return lacking == 0 ? -ENOENT : -lacking;
}

}  // namespace

Answer look_up(const Question& question) {
  const Utf8Text scope;
  return question.address ? find_names(question) : find_addresses(question);
}

int service_by_name(const char* name, const char* protocol, Service* out) {
  return find_entry<servent>(out, [&](servent* entry, char* buffer, size_t size, servent** found) {
    return ::getservbyname_r(name, protocol, entry, buffer, size, found);
  });
}

int service_by_port(uint16_t port, const char* protocol, Service* out) {
  return find_entry<servent>(out, [&](servent* entry, char* buffer, size_t size, servent** found) {
    return ::getservbyport_r(htons(port), protocol, entry, buffer, size, found);
  });
}

int protocol_by_name(const char* name, Protocol* out) {
  return find_entry<protoent>(out,
                              [&](protoent* entry, char* buffer, size_t size, protoent** found) {
                                return ::getprotobyname_r(name, entry, buffer, size, found);
                              });
}

int protocol_by_number(int number, Protocol* out) {
  return find_entry<protoent>(out,
                              [&](protoent* entry, char* buffer, size_t size, protoent** found) {
                                return ::getprotobynumber_r(number, entry, buffer, size, found);
                              });
}

}  // namespace sk
