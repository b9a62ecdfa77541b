#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/agreement.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/thread_ranks.h"

namespace pisr {
namespace {

std::string what(const std::exception_ptr& failure) {
  try {
    if (failure) {
      std::rethrow_exception(failure);
    }
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("ranks: sums and broadcasts reach all of them", "[ranks][threads]") {
  for (const int size : {1, 2, 3, 5}) {
    std::atomic<int> right = 0;
    const int reductions = on_ranks(size, [&](Communicator& ranks) {
      std::vector<float> floats = {1, static_cast<float>(ranks.rank())};
      ranks.all_reduce_sum(std::span<float>(floats));
      std::vector<double> doubles(1, 0.5);
      ranks.all_reduce_sum(std::span<double>(doubles));
      int number = ranks.rank();
      broadcast_number(&ranks, number, size - 1);
      std::string text(static_cast<std::size_t>(3 * ranks.rank()), 'x');
      broadcast_text(&ranks, text, size - 1);
      std::vector<std::string> expected;
      for (int rank = 0; rank < size; ++rank) {
        expected.emplace_back(static_cast<std::size_t>(rank), 'y');
      }
      const std::vector<std::string> texts =
          gather_texts(&ranks, std::string(static_cast<std::size_t>(ranks.rank()), 'y'));
      ranks.barrier();
      const auto sum_of_ranks = static_cast<float>(size * (size - 1) / 2);
      right += floats == std::vector<float>{static_cast<float>(size), sum_of_ranks} &&
               doubles[0] == 0.5 * size && number == size - 1 &&
               text.size() == static_cast<std::size_t>(3 * (size - 1)) && texts == expected;
    });
    CAPTURE(size);
    CHECK(right == size);
    CHECK(reductions == 2);
  }
}

TEST_CASE("ranks: the first one for which something holds", "[ranks][threads]") {
  for (const int wanted : {-1, 0, 1, 2}) {
    std::atomic<int> right = 0;
    on_ranks(3, [&](Communicator& ranks) {
      right += first_rank_where(&ranks, wanted >= 0 && ranks.rank() >= wanted) == wanted;
    });
    CHECK(right == 3);
  }
  CHECK(first_rank_where(nullptr, true) == 0);
  CHECK(first_rank_where(nullptr, false) == -1);
}

TEST_CASE("ranks: a failure of one is a failure of all, and known on that one",
          "[ranks][threads]") {
  // Ranks 1 and 2 fail: the lower one counts.
  std::vector<std::string> causes(3);
  const std::vector<std::exception_ptr> failures = failures_of_ranks(3, [&](Communicator& ranks) {
    agree(&ranks, [] {});
    try {
      agree(&ranks, [&] {
        if (ranks.rank() > 0) {
          throw Error(ErrorKind::input, message("bad image on ", ranks.rank()));
        }
      });
    } catch (const AgreedFailure& failure) {
      causes[static_cast<std::size_t>(ranks.rank())] =
          message(failure.rank(), ' ', what(failure.cause()));
      throw;
    }
  });
  CHECK(causes == std::vector<std::string>{"1 nothing", "1 bad image on 1", "1 nothing"});
  for (const std::exception_ptr& failure : failures) {
    CHECK(what(failure) == "another rank has failed");
  }
  CHECK_THROWS_WITH(agree(nullptr, [] { throw Error(ErrorKind::input, "alone"); }), "alone");
  CHECK_THROWS_WITH(fail_together(nullptr, Error(ErrorKind::input, "alone")), "alone");
}

TEST_CASE("ranks: what all have found is told by rank 0", "[ranks][threads]") {
  std::vector<std::string> causes(3);
  failures_of_ranks(3, [&](Communicator& ranks) {
    try {
      fail_together(&ranks, Error(ErrorKind::numeric, "not finite"));
    } catch (const AgreedFailure& failure) {
      causes[static_cast<std::size_t>(ranks.rank())] =
          message(failure.rank(), ' ', what(failure.cause()));
    }
  });
  CHECK(causes == std::vector<std::string>{"0 not finite", "0 nothing", "0 nothing"});
}

TEST_CASE("ranks: a process alone needs no others", "[ranks]") {
  std::string text = "a";
  broadcast_text(nullptr, text);
  CHECK(gather_texts(nullptr, text) == std::vector<std::string>{"a"});
  CHECK(is_first(nullptr));
}

TEST_CASE("ranks of threads: one that is gone keeps none waiting", "[ranks][threads]") {
  const std::vector<std::exception_ptr> failures = failures_of_ranks(3, [](Communicator& ranks) {
    if (ranks.rank() == 1) {
      throw std::runtime_error("gone");
    }
    ranks.barrier();
  });
  CHECK(what(failures[0]) == "the other ranks are gone");
  CHECK(what(failures[1]) == "gone");
}

}  // namespace pisr
