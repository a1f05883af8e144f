#include "core/name_pool.h"

#include <pthread.h>

#include <cerrno>
#include <csignal>
#include <set>
#include <string>
#include <thread>

#include "test/check.h"

namespace sk {

using namespace sk::test;

namespace {

Question asking(const std::string& host) {
  Question question;
  question.host = host;
  return question;
}

// Lookups that last until the test ends them; each answers its own name.
class Stage {
 public:
  explicit Stage(NamePool::Limits limits = {})
      : pool([this](const Question& question) { return play(*question.host); }, limits) {}
  ~Stage() { open(); }

  // Waits until so many have begun, of all that ever did.
  std::vector<std::string> begun(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return begun_.size() >= count; });
    return begun_;
  }
  std::vector<std::string> begun_by_now() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return begun_;
  }
  // Lets this one end.
  void end(const std::string& name) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_.insert(name);
    changed_.notify_all();
  }
  // Lets all end, now and from now on.
  void open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

 private:
  Answer play(const std::string& name) {
    std::unique_lock<std::mutex> lock(mutex_);
    begun_.push_back(name);
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_open_ || ended_.count(name) > 0; });
    Answer answer;
    answer.host = name;
    return answer;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> begun_;
  std::set<std::string> ended_;
  bool is_open_ = false;

 public:
  // The last member: its threads end before the rest goes.
  NamePool pool;
};

// A client that waits for its answers.
class Asker {
 public:
  explicit Asker(NamePool* pool) : pool_(*pool) {
    client_ = pool->join([this] {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++wakes_;
      woken_.notify_all();
    });
  }
  ~Asker() {
    if (client_ != nullptr) leave();
  }
  void leave() {
    pool_.leave(*client_);
    client_ = nullptr;
  }
  int ask(const std::string& name) { return pool_.ask(client_, ++last_id_, asking(name)); }
  bool cancel(uint64_t id) { return pool_.cancel(*client_, id); }
  // The answers, until there are so many.
  std::vector<NamePool::Finished> answers(size_t count) {
    std::vector<NamePool::Finished> all;
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      woken_.wait(lock, [this] { return wakes_ > 0; });
      wakes_ = 0;
      lock.unlock();
      for (auto& each : pool_.take(*client_)) all.push_back(std::move(each));
      if (all.size() >= count) return all;
    }
  }
  void await_wake() {
    std::unique_lock<std::mutex> lock(mutex_);
    woken_.wait(lock, [this] { return wakes_ > 0; });
  }
  int wakes() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return wakes_;
  }
  std::vector<NamePool::Finished> answers_by_now() { return pool_.take(*client_); }

 private:
  NamePool& pool_;
  std::shared_ptr<NamePool::Client> client_;
  uint64_t last_id_ = 0;
  std::mutex mutex_;
  std::condition_variable woken_;
  int wakes_ = 0;
};

std::string names_of(const std::vector<NamePool::Finished>& answers) {
  std::string text;
  for (const auto& each : answers) text += each.answer.host + ' ';
  return text;
}

std::string joined(const std::vector<std::string>& names, size_t from = 0) {
  std::string text;
  for (size_t i = from; i < names.size(); ++i) text += names[i] + ' ';
  return text;
}

}  // namespace

TEST("NamePool answers each question with its own id") {
  Stage stage;
  Asker asker(&stage.pool);
  stage.open();
  for (int i = 1; i <= 100; ++i) CHECK_EQ(asker.ask(std::to_string(i)), 0);
  std::set<uint64_t> ids;
  for (const auto& each : asker.answers(100)) {
    CHECK_EQ(each.answer.host, std::to_string(each.id));
    ids.insert(each.id);
  }
  CHECK_EQ(ids.size(), 100u);
}

TEST("NamePool has no thread before it is asked, and then no more than it needs") {
  Stage stage;
  Asker asker(&stage.pool);
  CHECK_EQ(stage.pool.threads(), 0);
  stage.open();
  for (int i = 0; i < 20; ++i) {
    asker.ask("x");
    asker.answers(1);
  }
  CHECK_EQ(stage.pool.threads(), 1);
}

TEST("NamePool runs a thousand lookups on four threads") {
  Stage stage;
  Asker one(&stage.pool);
  Asker two(&stage.pool);
  for (int i = 0; i < 500; ++i) {
    CHECK_EQ(one.ask("1"), 0);
    CHECK_EQ(two.ask("2"), 0);
  }
  stage.begun(4);
  CHECK_EQ(stage.pool.threads(), 4);
  CHECK_EQ(stage.begun_by_now().size(), 4u);
  stage.open();
  CHECK_EQ(one.answers(500).size(), 500u);
  CHECK_EQ(two.answers(500).size(), 500u);
  CHECK_EQ(stage.pool.threads(), 4);
}

TEST("NamePool refuses what is more than may wait, and takes more when there is room") {
  Stage stage({4, 10});
  Asker asker(&stage.pool);
  for (int i = 0; i < 3; ++i) asker.ask("running");
  stage.begun(3);
  for (int i = 4; i <= 13; ++i) CHECK_EQ(asker.ask("waiting"), 0);
  CHECK_EQ(asker.ask("too much"), -EBUSY);
  // The refused one took an id too: 14.
  asker.cancel(9);
  CHECK_EQ(asker.ask("instead"), 0);
  CHECK_EQ(asker.ask("too much"), -EBUSY);
  stage.open();
  CHECK_EQ(asker.answers(13).size(), 13u);
}

TEST("NamePool counts what waits for each client alone") {
  Stage stage({4, 10});
  Asker greedy(&stage.pool);
  Asker other(&stage.pool);
  for (int i = 0; i < 3; ++i) greedy.ask("running");
  stage.begun(3);
  for (int i = 0; i < 10; ++i) greedy.ask("waiting");
  CHECK_EQ(greedy.ask("too much"), -EBUSY);
  CHECK_EQ(other.ask("mine"), 0);
  CHECK_EQ(stage.begun(4)[3], std::string("mine"));
  stage.end("mine");
  CHECK_EQ(names_of(other.answers(1)), std::string("mine "));
}

TEST("NamePool leaves a thread to others, however much one client asks") {
  Stage stage;
  Asker greedy(&stage.pool);
  Asker other(&stage.pool);
  for (int i = 0; i < 100; ++i) greedy.ask("slow");
  stage.begun(3);
  for (int i = 0; i < 10; ++i) {
    const std::string name = "quick" + std::to_string(i);
    other.ask(name);
    stage.begun(static_cast<size_t>(4 + i));
    stage.end(name);
    CHECK_EQ(names_of(other.answers(1)), name + ' ');
  }
  CHECK_EQ(joined(stage.begun_by_now()).find("slow quick"), 10u);
  CHECK_EQ(stage.begun_by_now().size(), 13u);
}

TEST("NamePool lets clients take turns, and each begins in its order") {
  // Two threads, so that each client has one at a time.
  Stage stage({2, 100});
  Asker a(&stage.pool);
  Asker b(&stage.pool);
  a.ask("a1");
  b.ask("b1");
  stage.begun(2);
  for (int i = 2; i <= 4; ++i) {
    a.ask("a" + std::to_string(i));
    b.ask("b" + std::to_string(i));
  }
  Asker c(&stage.pool);
  c.ask("c1");
  c.ask("c2");
  stage.end("a1");
  CHECK_EQ(stage.begun(3)[2], std::string("a2"));
  stage.end("b1");
  CHECK_EQ(stage.begun(4)[3], std::string("b2"));
  stage.end("a2");
  CHECK_EQ(stage.begun(5)[4], std::string("c1"));
  stage.end("c1");
  CHECK_EQ(stage.begun(6)[5], std::string("a3"));
  stage.end("b2");
  CHECK_EQ(stage.begun(7)[6], std::string("b3"));
  stage.open();
  CHECK_EQ(names_of(c.answers(2)), std::string("c1 c2 "));
}

TEST("NamePool forgets a lookup that is cancelled while it waits") {
  Stage stage;
  Asker asker(&stage.pool);
  for (const char* name : {"1", "2", "3", "4", "5", "6"}) asker.ask(name);
  stage.begun(3);
  CHECK(asker.cancel(5));
  CHECK(!asker.cancel(5));
  stage.open();
  CHECK_EQ(asker.answers(5).size(), 5u);
  const std::vector<std::string> begun = stage.begun_by_now();
  CHECK_EQ(begun.size(), 5u);
  CHECK_EQ(joined(begun).find('5'), std::string::npos);
}

TEST("NamePool drops the answer of a lookup that is cancelled while it runs") {
  Stage stage;
  Asker asker(&stage.pool);
  asker.ask("dropped");
  stage.begun(1);
  CHECK(asker.cancel(1));
  CHECK(!asker.cancel(1));
  asker.ask("kept");
  stage.begun(2);
  stage.end("dropped");
  asker.ask("after");
  stage.begun(3);
  stage.open();
  std::vector<NamePool::Finished> answers = asker.answers(2);
  CHECK_EQ(answers.size(), 2u);
  for (const auto& each : answers) CHECK(each.answer.host != "dropped");
}

TEST("NamePool drops an answer that is cancelled before it is taken") {
  Stage stage;
  stage.open();
  Asker asker(&stage.pool);
  asker.ask("x");
  asker.await_wake();
  CHECK(asker.cancel(1));
  CHECK_EQ(asker.answers_by_now().size(), 0u);
}

TEST("NamePool cancels what is answered, or was never asked, without effect") {
  Stage stage;
  Asker asker(&stage.pool);
  CHECK(!asker.cancel(1));
  CHECK(!asker.cancel(99));
  stage.open();
  asker.ask("x");
  CHECK_EQ(asker.answers(1).size(), 1u);
  CHECK(!asker.cancel(1));
  asker.ask("y");
  CHECK_EQ(names_of(asker.answers(1)), std::string("y "));
}

TEST("NamePool counts an abandoned lookup to its client, until it ends") {
  Stage stage;
  Asker asker(&stage.pool);
  for (const char* name : {"1", "2", "3"}) asker.ask(name);
  stage.begun(3);
  for (uint64_t id = 1; id <= 3; ++id) asker.cancel(id);
  asker.ask("4");
  Asker other(&stage.pool);
  other.ask("other");
  // Were there room for "4", it would have begun by now: it was asked first.
  CHECK_EQ(stage.begun(4)[3], std::string("other"));
  stage.end("2");
  CHECK_EQ(stage.begun(5)[4], std::string("4"));
}

TEST("NamePool does not wake a client that has left") {
  Stage stage;
  Asker stays(&stage.pool);
  Asker leaves(&stage.pool);
  for (int i = 0; i < 5; ++i) leaves.ask("left" + std::to_string(i));
  stage.begun(3);
  leaves.leave();
  CHECK_EQ(leaves.wakes(), 0);
  stays.ask("stays");
  stage.begun(4);
  stage.open();
  CHECK_EQ(names_of(stays.answers(1)), std::string("stays "));
  CHECK_EQ(leaves.wakes(), 0);
  CHECK_EQ(stage.begun_by_now().size(), 4u);
}

TEST("NamePool forgets answers that nobody took") {
  Stage stage;
  stage.open();
  auto asker = std::make_unique<Asker>(&stage.pool);
  asker->ask("x");
  asker->await_wake();
  asker = nullptr;
  Asker next(&stage.pool);
  next.ask("y");
  CHECK_EQ(names_of(next.answers(1)), std::string("y "));
}

TEST("NamePool survives clients that come and go while others ask (F57)") {
  Stage stage;
  stage.open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&stage, t] {
      for (int round = 0; round < 50; ++round) {
        Asker asker(&stage.pool);
        for (int i = 0; i < 10; ++i) asker.ask(std::to_string(t));
        if (round % 2 == 0) asker.cancel(static_cast<uint64_t>(1 + round % 10));
        if (round % 3 == 0) asker.answers(9);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(stage.pool.threads() <= 4);
}

TEST("NamePool ends while clients have left lookups waiting and running") {
  auto stage = std::make_unique<Stage>();
  {
    Asker asker(&stage->pool);
    for (int i = 0; i < 50; ++i) asker.ask("x");
    stage->begun(3);
  }
  stage = nullptr;
}

TEST("NamePool says why it has no thread, and does without one more where it has some (F02)") {
  pthread_attr_t usual;
  CHECK_EQ(::pthread_getattr_default_np(&usual), 0);
  pthread_attr_t impossible;
  ::pthread_attr_init(&impossible);
  // More than there are addresses.
  ::pthread_attr_setstacksize(&impossible, size_t{1} << 50);
  Stage stage;
  Asker asker(&stage.pool);
  CHECK_EQ(::pthread_setattr_default_np(&impossible), 0);
  const int without = asker.ask("1");
  ::pthread_setattr_default_np(&usual);
  CHECK_EQ(without, -EAGAIN);
  CHECK_EQ(stage.pool.threads(), 0);
  CHECK_EQ(asker.ask("2"), 0);
  stage.begun(1);
  ::pthread_setattr_default_np(&impossible);
  const int beside = asker.ask("3");
  ::pthread_setattr_default_np(&usual);
  CHECK_EQ(beside, 0);
  CHECK_EQ(stage.pool.threads(), 1);
  stage.open();
  CHECK_EQ(names_of(asker.answers(2)), std::string("2 3 "));
}

TEST("NamePool's threads take no signals, and the asker's mask is as before") {
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  sigset_t seen;
  sigemptyset(&seen);
  {
    NamePool pool(
        [&seen](const Question&) {
          ::pthread_sigmask(SIG_SETMASK, nullptr, &seen);
          return Answer{};
        },
        {});
    Asker asker(&pool);
    asker.ask("x");
    asker.answers(1);
  }
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGCHLD})
    CHECK_EQ(sigismember(&seen, signal), 1);
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  CHECK_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

}  // namespace sk
