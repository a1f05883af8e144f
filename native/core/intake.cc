#include "core/intake.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>

#include "core/datagram_record.h"
#include "core/linux_names.h"
#include "core/syscalls.h"

namespace sk {

namespace {

template <typename T>
T payload(const cmsghdr* entry) {
  T value = {};
  const size_t have = entry->cmsg_len - CMSG_LEN(0);
  memcpy(&value, CMSG_DATA(entry), std::min(have, sizeof(T)));
  return value;
}

void close_descriptors(const cmsghdr* entry) {
  const size_t count = (entry->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < count; ++i) {
    int fd;
    memcpy(&fd, CMSG_DATA(entry) + i * sizeof(int), sizeof(int));
    sys::close(fd);
  }
}

void read_ipv4(const cmsghdr* entry, MessageMeta* meta) {
  if (entry->cmsg_type == IP_PKTINFO) {
    const auto info = payload<in_pktinfo>(entry);
    memcpy(meta->local, &info.ipi_addr, sizeof(info.ipi_addr));
    meta->local_size = sizeof(info.ipi_addr);
    meta->interface_index = info.ipi_ifindex;
    meta->flags |= kHasLocal;
  } else if (entry->cmsg_type == IP_TTL) {
    meta->ttl = payload<int>(entry);
    meta->flags |= kHasTtl;
  } else if (entry->cmsg_type == IP_TOS) {
    meta->traffic_class = payload<uint8_t>(entry);
    meta->flags |= kHasTrafficClass;
  }
}

void read_ipv6(const cmsghdr* entry, MessageMeta* meta) {
  if (entry->cmsg_type == IPV6_PKTINFO) {
    const auto info = payload<in6_pktinfo>(entry);
    memcpy(meta->local, &info.ipi6_addr, sizeof(info.ipi6_addr));
    meta->local_size = sizeof(info.ipi6_addr);
    meta->interface_index = static_cast<int32_t>(info.ipi6_ifindex);
    meta->flags |= kHasLocal;
  } else if (entry->cmsg_type == IPV6_HOPLIMIT) {
    meta->ttl = payload<int>(entry);
    meta->flags |= kHasTtl;
  } else if (entry->cmsg_type == IPV6_TCLASS) {
    meta->traffic_class = payload<int>(entry);
    meta->flags |= kHasTrafficClass;
  }
}

void read_general(const cmsghdr* entry, bool wants_timestamp, MessageMeta* meta) {
  // Which only another owner of the socket can have asked for, in the case of SCM_PIDFD.
  if (entry->cmsg_type == SCM_RIGHTS || entry->cmsg_type == SCM_PIDFD) {
    close_descriptors(entry);
  } else if (entry->cmsg_type == SCM_TIMESTAMPNS && wants_timestamp) {
    const auto time = payload<timespec>(entry);
    meta->timestamp = static_cast<int64_t>(time.tv_sec) * 1000000000 + time.tv_nsec;
    meta->flags |= kHasTimestamp;
  }
}

}  // namespace

std::unique_ptr<Intake> Intake::create() {
  std::unique_ptr<Intake> intake(new (std::nothrow) Intake);
  if (intake == nullptr) return nullptr;
  intake->data_ = static_cast<uint8_t*>(malloc(kCount * kStride));
  if (intake->data_ == nullptr) return nullptr;
  for (unsigned i = 0; i < kCount; ++i) {
    intake->parts_[i] = {intake->data_ + i * kStride, kData};
    msghdr& header = intake->headers_[i].msg_hdr;
    header.msg_name = &intake->names_[i];
    header.msg_iov = &intake->parts_[i];
    header.msg_iovlen = 1;
    header.msg_control = intake->controls_[i];
  }
  return intake;
}

Intake::~Intake() { free(data_); }

mmsghdr* Intake::prepare(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    msghdr& header = headers_[i].msg_hdr;
    header.msg_namelen = sizeof(names_[i]);
    header.msg_controllen = kControl;
    header.msg_flags = 0;
  }
  return headers_;
}

MessageMeta Intake::read_meta(unsigned index, bool wants_timestamp) {
  MessageMeta meta;
  msghdr* header = &headers_[index].msg_hdr;
  if (header->msg_controllen == 0) return meta;
  for (cmsghdr* entry = CMSG_FIRSTHDR(header); entry != nullptr;
       entry = CMSG_NXTHDR(header, entry)) {
    if (entry->cmsg_level == IPPROTO_IP) {
      read_ipv4(entry, &meta);
    } else if (entry->cmsg_level == IPPROTO_IPV6) {
      read_ipv6(entry, &meta);
    } else if (entry->cmsg_level == SOL_SOCKET) {
      read_general(entry, wants_timestamp, &meta);
    } else if (entry->cmsg_level == SOL_UDP && entry->cmsg_type == UDP_GRO) {
      meta.segment_size = payload<int>(entry);
    }
  }
  return meta;
}

}  // namespace sk
