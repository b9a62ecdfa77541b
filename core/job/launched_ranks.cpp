#include "core/job/launched_ranks.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace pisr {
namespace {

bool is_set(const char* name) {
  return std::getenv(name) != nullptr;
}

/// 0 where the variable is not set, or not to a number.
int number_in(const char* name) {
  const char* const text = std::getenv(name);
  int number = 0;
  if (text != nullptr) {
    std::from_chars(text, text + std::strlen(text), number);
  }
  return number;
}

}  // namespace

int launched_ranks() {
  const char* const choice = std::getenv("PISR_MPI");
  if (choice != nullptr && std::strcmp(choice, "off") == 0) {
    return 1;
  }
  // Open MPI; MPICH, Intel MPI and Slurm's pmi2; MVAPICH.
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"}) {
    if (const int size = number_in(name); size > 0) {
      return size;
    }
  }
  // Slurm's pmix tells the rank alone. Without any of these the processes cannot meet, which
  // open_communicator() says.
  const int tasks = is_set("SLURM_PROCID") ? number_in("SLURM_STEP_NUM_TASKS") : 0;
  return tasks > 1 ? tasks : 1;
}

}  // namespace pisr
