#include "core/job/open_communicator.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include <mpi.h>

#include "core/error.h"
#include "core/job/launched_ranks.h"

namespace pisr {
namespace {

// Of elements in one call, whose count is an int.
constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;

void check(int code, const char* what) {
  if (code == MPI_SUCCESS) {
    return;
  }
  std::string text(MPI_MAX_ERROR_STRING, '\0');
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  text.resize(static_cast<std::size_t>(length));
  throw Error(ErrorKind::device, message(what, ": ", text));
}

template <class Value, class Call>
void in_pieces(std::span<Value> values, Call&& call) {
  while (!values.empty()) {
    const std::size_t count = std::min(values.size(), kMostAtOnce);
    call(values.data(), static_cast<int>(count));
    values = values.subspan(count);
  }
}

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator() {
    int provided = 0;
    // Threads compute, but one alone talks.
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
    check(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
    MPI_Comm neighbours = MPI_COMM_NULL;
    check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &neighbours),
          "MPI_Comm_split_type");
    check(MPI_Allreduce(&rank_, &node_, 1, MPI_INT, MPI_MIN, neighbours), "MPI_Allreduce");
    MPI_Comm_free(&neighbours);
  }
  ~MpiCommunicator() override { MPI_Finalize(); }

  int rank() const noexcept override { return rank_; }
  int size() const noexcept override { return size_; }
  int node() const noexcept override { return node_; }

  void all_reduce_sum(std::span<float> values) override { sum(values, MPI_FLOAT); }
  void all_reduce_sum(std::span<double> values) override { sum(values, MPI_DOUBLE); }
  void broadcast(std::span<std::byte> bytes, int root) override {
    in_pieces(bytes, [&](std::byte* data, int count) {
      check(MPI_Bcast(data, count, MPI_BYTE, root, MPI_COMM_WORLD), "MPI_Bcast");
    });
  }
  void barrier() override { check(MPI_Barrier(MPI_COMM_WORLD), "MPI_Barrier"); }

  [[noreturn]] void abort(int code) noexcept override {
    MPI_Abort(MPI_COMM_WORLD, code);
    std::_Exit(code);
  }

 private:
  template <class Number>
  void sum(std::span<Number> values, MPI_Datatype type) {
    in_pieces(values, [&](Number* data, int count) {
      check(MPI_Allreduce(MPI_IN_PLACE, data, count, type, MPI_SUM, MPI_COMM_WORLD),
            "MPI_Allreduce");
    });
  }

  int rank_ = 0;
  int size_ = 1;
  int node_ = 0;
};

}  // namespace

std::unique_ptr<Communicator> open_communicator() {
  const int launched = launched_ranks();
  if (launched == 1) {
    return nullptr;
  }
  auto communicator = std::make_unique<MpiCommunicator>();
  if (communicator->size() != launched) {
    throw Error(ErrorKind::usage,
                message("this is one of ", launched, " processes of a job, but MPI sees ",
                        communicator->size(), " of them"),
                "the mpirun or srun must be of the MPI that this program is built with");
  }
  return communicator;
}

}  // namespace pisr
