// Messages by records: the input is a slab as a program may leave it, and after it what a kernel
// writes at the places that the records name. No real descriptor is touched.
#include "core/message.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "fuzz.h"

namespace {

using sk::Descriptors;
using sk::MessageBatch;
using sk::MessageRecord;
using sk::Slab;

// Hands out the input, then zeros.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}
  void take(void* out, size_t length) {
    if (length == 0) return;
    memset(out, 0, length);
    const size_t count = std::min(length, left_);
    if (count > 0) memcpy(out, data_, count);
    data_ += count;
    left_ -= count;
  }
  uint8_t byte() {
    uint8_t out;
    take(&out, 1);
    return out;
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

// Numbers in the input need not be descriptors of this process: none of them may be closed.
void give_up(Descriptors* table) {
  for (uint32_t slot = 0; table->live() > 0; ++slot) {
    const int64_t id = table->id_at(slot);
    if (id >= 0) table->release(static_cast<sk::Id>(id));
  }
}

// What recvmsg(2) does: it writes within what it was given, and may tell of a longer name.
void act_as_kernel(Input* input, msghdr* header) {
  for (size_t i = 0; i < header->msg_iovlen; ++i) {
    input->take(header->msg_iov[i].iov_base, header->msg_iov[i].iov_len);
  }
  if (header->msg_name != nullptr) {
    input->take(header->msg_name, header->msg_namelen);
    header->msg_namelen = input->byte();
  }
  if (header->msg_control != nullptr) {
    input->take(header->msg_control, header->msg_controllen);
    header->msg_controllen = header->msg_controllen * input->byte() / 255;
  }
  header->msg_flags = input->byte();
}

void check_told(const Slab& slab, uint32_t index, const MessageRecord& given) {
  MessageRecord told;
  memcpy(&told, slab.data + index * sizeof(told), sizeof(told));
  MUST(told.data_offset == given.data_offset && told.control_offset == given.control_offset);
  MUST(told.name_length >= 0 && told.name_length <= given.name_length);
  MUST(told.control_length >= 0 && told.control_length <= given.control_length);
  MUST(told.control_count >= 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kSlab = 2048;
  Input input(data, size);
  const uint32_t count = 1 + input.byte() % 8;
  const bool is_receiving = input.byte() % 4 != 0;
  std::vector<uint8_t> memory(kSlab);
  input.take(memory.data(), count * sizeof(MessageRecord));
  std::vector<MessageRecord> records(count);
  memcpy(records.data(), memory.data(), count * sizeof(MessageRecord));
  const Slab slab = {memory.data(), memory.size()};
  MessageBatch batch;
  if (!batch.prepare(slab, count, is_receiving)) return 0;
  if (!is_receiving) {
    input.take(memory.data() + count * sizeof(MessageRecord),
               kSlab - count * sizeof(MessageRecord));
    batch.holds_address();
    return 0;
  }
  Descriptors table;
  for (uint32_t i = 0; i < count; ++i) {
    act_as_kernel(&input, &batch.messages()[i].msg_hdr);
    // Somebody else may write to the slab meanwhile.
    if (input.byte() % 2 == 1) input.take(memory.data(), count * sizeof(MessageRecord));
    batch.finish(i, input.byte(), &table);
    check_told(slab, i, records[i]);
  }
  give_up(&table);
  return 0;
}
