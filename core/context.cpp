#include "core/context.h"

#include "core/instruction_set.h"

namespace pisr {

// The scratch memory of a kernel is an arena of its own that is taken back after each launch.
class Context::ContextQueue final : public kernels::Queue {
 public:
  explicit ContextQueue(ThreadPool* pool) : pool_(pool) {}

  void parallel_for(std::int64_t tasks,
                    kernels::FunctionRef<void(std::int64_t task, int worker)> body) override {
    if (pool_ != nullptr) {
      pool_->parallel_for(tasks, body);
      return;
    }
    for (std::int64_t task = 0; task < tasks; ++task) {
      body(task, 0);
    }
  }
  int workers() const noexcept override { return pool_ == nullptr ? 1 : pool_->threads(); }
  void* scratch(std::size_t bytes) override { return scratch_.allocate(bytes); }

  void release_scratch() { scratch_.reset(); }

 private:
  ThreadPool* pool_;
  Arena scratch_;
};

Context::Context(Backend backend)
    : backend_(backend), queue_(std::make_unique<ContextQueue>(nullptr)) {
  apply_instruction_set_choice();
}

Context::Context(ThreadPool& pool, Backend backend)
    : backend_(backend), queue_(std::make_unique<ContextQueue>(&pool)) {
  apply_instruction_set_choice();
}

Context::~Context() = default;

kernels::Queue& Context::queue() noexcept {
  return *queue_;
}

void Context::release_scratch() {
  queue_->release_scratch();
}

}  // namespace pisr
