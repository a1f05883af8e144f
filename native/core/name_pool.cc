#include "core/name_pool.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sk {

struct NamePool::Job {
  uint64_t id;
  Question question;
  std::shared_ptr<Client> client;
  bool is_abandoned = false;
};

NamePool::NamePool(LookUp look_up, Limits limits) : look_up_(std::move(look_up)), limits_(limits) {}

NamePool::~NamePool() {
  std::unique_lock<std::mutex> lock(mutex_);
  is_stopping_ = true;
  wanted_.notify_all();
  ended_.wait(lock, [this] { return threads_ == 0; });
}

int NamePool::threads() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return threads_;
}

std::shared_ptr<NamePool::Client> NamePool::join(std::function<void()> wake) {
  auto client = std::make_shared<Client>();
  client->wake = std::move(wake);
  return client;
}

void NamePool::leave(Client& client) {
  const std::lock_guard<std::mutex> lock(mutex_);
  client.wake = nullptr;
  waiting_ -= client.waiting.size();
  client.waiting.clear();
  end_turns(client);
  for (auto& [id, job] : client.running) job->is_abandoned = true;
  client.running.clear();
  client.finished.clear();
}

int NamePool::ask(const std::shared_ptr<Client>& client, uint64_t id, Question question) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (client->waiting.size() >= limits_.waiting) return -EBUSY;
  const auto free = static_cast<size_t>(threads_ - busy_);
  if (waiting_ >= free && threads_ < limits_.threads) {
    const int error = start_thread();
    // Another thread will come to it.
    if (error != 0 && threads_ == 0) return error;
  }
  if (client->waiting.empty()) turns_.push_back(client);
  client->waiting[id] = std::make_shared<Job>(Job{id, std::move(question), client});
  ++waiting_;
  wanted_.notify_one();
  return 0;
}

bool NamePool::cancel(Client& client, uint64_t id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (client.waiting.erase(id) > 0) {
    --waiting_;
    if (client.waiting.empty()) end_turns(client);
    return true;
  }
  const auto running = client.running.find(id);
  if (running != client.running.end()) {
    running->second->is_abandoned = true;
    client.running.erase(running);
    return true;
  }
  auto& all = client.finished;
  const auto finished =
      std::find_if(all.begin(), all.end(), [id](const Finished& each) { return each.id == id; });
  if (finished == all.end()) return false;
  all.erase(finished);
  return true;
}

void NamePool::end_turns(const Client& client) {
  turns_.remove_if([&client](const auto& each) { return each.get() == &client; });
}

std::vector<NamePool::Finished> NamePool::take(Client& client) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(client.finished, {});
}

// Signals are for the threads that Node knows. The handle is given away: nobody outlives the
// threads that would have to wait for them.
int NamePool::start_thread() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const int error = ::pthread_create(&thread, nullptr, &NamePool::run, this);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return -error;
  ::pthread_detach(thread);
  ++threads_;
  return 0;
}

void* NamePool::run(void* self) {
  static_cast<NamePool*>(self)->work();
  return nullptr;
}

void NamePool::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!is_stopping_) {
    std::shared_ptr<Job> job = next();
    if (job == nullptr) {
      wanted_.wait(lock);
      continue;
    }
    lock.unlock();
    Answer answer = look_up_(job->question);
    lock.lock();
    finish(*job, std::move(answer));
  }
  --threads_;
  ended_.notify_all();
}

bool NamePool::may_begin(const Client& client) const {
  return client.threads < limits_.threads - 1;
}

std::shared_ptr<NamePool::Job> NamePool::next() {
  for (auto turn = turns_.begin(); turn != turns_.end(); ++turn) {
    const std::shared_ptr<Client> client = *turn;
    if (!may_begin(*client)) continue;
    const auto first = client->waiting.begin();
    std::shared_ptr<Job> job = first->second;
    client->waiting.erase(first);
    client->running[job->id] = job;
    ++client->threads;
    ++busy_;
    --waiting_;
    turns_.erase(turn);
    if (!client->waiting.empty()) turns_.push_back(client);
    return job;
  }
  return nullptr;
}

void NamePool::finish(Job& job, Answer answer) {
  Client& client = *job.client;
  --client.threads;
  --busy_;
  if (job.is_abandoned) return;
  client.running.erase(job.id);
  client.finished.push_back({job.id, std::move(answer)});
  client.wake();
}

}  // namespace sk
