#include "kernels/emulator/machine/fiber.h"

#include <cstdint>
#include <new>

#include <sys/mman.h>

#include "kernels/emulator/machine/thread_sanitizer.h"

#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#define PISR_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PISR_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(PISR_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace pisr::kernels::emulator {
namespace {

constexpr std::size_t kStackBytes = 256 * 1024;
constexpr std::size_t kGuardBytes = 4096;

#if defined(PISR_ADDRESS_SANITIZER)
Fiber* fiber_left = nullptr;  // by the switch in progress
#endif

}  // namespace

#if defined(__x86_64__)

// Saves the registers that a function must preserve, and switches stacks. swapcontext would also
// save the signal mask, by a system call.
extern "C" void pisr_switch_stack(void** save, void* load);
asm(R"(
.text
.globl pisr_switch_stack
.type pisr_switch_stack,@function
pisr_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size pisr_switch_stack,.-pisr_switch_stack
)");

namespace {

void* make_context(void* stack, std::size_t bytes, void (*entry)()) {
  constexpr int kSavedRegisters = 6;
  const std::uintptr_t top = reinterpret_cast<std::uintptr_t>(stack) + bytes;
  // The ABI requires a stack pointer of 8 modulo 16 where a function begins.
  auto* return_address = reinterpret_cast<void**>(top & ~std::uintptr_t{15}) - 2;
  *return_address = reinterpret_cast<void*>(entry);
  return return_address - kSavedRegisters;
}

void release_context(void*) {}

void switch_context(void*& from, void*& to) {
  pisr_switch_stack(&from, to);
}

}  // namespace

#else

namespace {

void* make_context(void* stack, std::size_t bytes, void (*entry)()) {
  auto* context = new ucontext_t;
  getcontext(context);
  context->uc_stack.ss_sp = stack;
  context->uc_stack.ss_size = bytes;
  context->uc_link = nullptr;
  makecontext(context, entry, 0);
  return context;
}

void release_context(void* context) {
  delete static_cast<ucontext_t*>(context);
}

void switch_context(void*& from, void*& to) {
  if (from == nullptr) {
    from = new ucontext_t;
  }
  swapcontext(static_cast<ucontext_t*>(from), static_cast<ucontext_t*>(to));
}

}  // namespace

#endif

Fiber::Fiber(void (*entry)()) : stack_bytes_(kStackBytes), observed_(observe_new_fiber()) {
  stack_ = mmap(nullptr, stack_bytes_, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack_ == MAP_FAILED) {
    throw std::bad_alloc();
  }
  owns_stack_ = true;
  mprotect(stack_, kGuardBytes, PROT_NONE);
  context_ = make_context(stack_, stack_bytes_, entry);
}

Fiber::~Fiber() {
  if (owns_stack_) {
#if defined(PISR_ADDRESS_SANITIZER)
    // Abandoned functions have poisoned it, and the next stack may lie in the same place.
    __asan_unpoison_memory_region(stack_, stack_bytes_);
#endif
    munmap(stack_, stack_bytes_);
    observe_end_of_fiber(observed_);
  }
  release_context(context_);
}

void Fiber::switch_from(Fiber& from, Fiber& to) {
#if defined(PISR_ADDRESS_SANITIZER)
  fiber_left = &from;
  __sanitizer_start_switch_fiber(&from.sanitizer_state_, to.stack_, to.stack_bytes_);
#endif
  if (from.observed_ == nullptr) {
    from.observed_ = observe_this_fiber();
  }
  observe_switch_to(to.observed_);
  switch_context(from.context_, to.context_);
#if defined(PISR_ADDRESS_SANITIZER)
  __sanitizer_finish_switch_fiber(from.sanitizer_state_, nullptr, nullptr);
#endif
}

void Fiber::entered() {
#if defined(PISR_ADDRESS_SANITIZER)
  // Learns the stack of the thread from which the first fiber is entered.
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &bytes);
  if (fiber_left->stack_ == nullptr) {
    fiber_left->stack_ = const_cast<void*>(bottom);
    fiber_left->stack_bytes_ = bytes;
  }
#endif
}

}  // namespace pisr::kernels::emulator
