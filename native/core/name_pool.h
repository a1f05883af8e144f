// Lookups off the caller's thread: a few threads that block in the resolver for everybody.
//
// Not the pool of libuv, which files and cryptography use too and which a dead name server would
// hold up for all of them. Not a thread for each lookup either: their number is the program's to
// choose.
//
// Whoever asks is a client (one for each environment of Node). A client's lookups start in the
// order in which they were asked. Clients take turns, one lookup each, and none has all threads at
// once: one is left for the others. So a client never waits for another's queue, and for its first
// lookup only while others that are slow hold every thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "core/resolver.h"

namespace sk {

class NamePool {
 public:
  struct Limits {
    // At least 2.
    int threads = 4;
    // Lookups of one client that have not begun.
    size_t waiting = 1024;
  };

  struct Finished {
    uint64_t id;
    Answer answer;
  };

  class Client;
  using LookUp = std::function<Answer(const Question&)>;

  NamePool(LookUp look_up, Limits limits);
  // Waits for the lookups that are under way.
  ~NamePool();
  NamePool(const NamePool&) = delete;
  NamePool& operator=(const NamePool&) = delete;

  // A new client. `wake` is called on any thread when there is something to take, and never again
  // when `leave` has returned. It must not call the pool.
  std::shared_ptr<Client> join(std::function<void()> wake);
  // Ends all that the client has asked: what waits is forgotten, what is under way is abandoned.
  void leave(Client& client);

  // Returns 0, -EBUSY if too much waits already, or why no thread can be had. `id` is greater than
  // those before.
  int ask(const std::shared_ptr<Client>& client, uint64_t id, Question question);
  // No answer to `id` will come; false if none would have. A lookup that is under way keeps its
  // thread until it ends: the system cannot interrupt it.
  bool cancel(Client& client, uint64_t id);
  // The answers that have come since the last time, in their order.
  std::vector<Finished> take(Client& client);

  // Threads that there are.
  int threads() const;

 private:
  struct Job;

  static void* run(void* self);
  void work();
  // The next lookup to begin; null if none may begin now.
  std::shared_ptr<Job> next();
  void finish(Job& job, Answer answer);
  int start_thread();
  void end_turns(const Client& client);
  bool may_begin(const Client& client) const;

  const LookUp look_up_;
  const Limits limits_;

  mutable std::mutex mutex_;
  std::condition_variable wanted_;
  std::condition_variable ended_;
  // Clients with something waiting, in the order of their turns.
  std::list<std::shared_ptr<Client>> turns_;
  size_t waiting_ = 0;
  int threads_ = 0;
  int busy_ = 0;
  bool is_stopping_ = false;
};

// What the pool knows of a client. Guarded by the pool's lock.
class NamePool::Client {
 private:
  friend class NamePool;

  std::function<void()> wake;
  // By id, and so in the order of asking.
  std::map<uint64_t, std::shared_ptr<Job>> waiting;
  std::map<uint64_t, std::shared_ptr<Job>> running;
  // Of these, and of those that were abandoned.
  int threads = 0;
  std::vector<Finished> finished;
};

}  // namespace sk
