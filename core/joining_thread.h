#pragma once

#include <thread>
#include <utility>

namespace pisr {

/// A thread that its destructor waits for: std::jthread, which not every standard library has.
class JoiningThread {
 public:
  template <class Body>
  explicit JoiningThread(Body&& body) : thread_(std::forward<Body>(body)) {}
  JoiningThread(const JoiningThread&) = delete;
  JoiningThread& operator=(const JoiningThread&) = delete;
  ~JoiningThread() { thread_.join(); }

 private:
  std::thread thread_;
};

}  // namespace pisr
