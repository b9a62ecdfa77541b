#include "core/job/open_communicator.h"

#include "core/error.h"
#include "core/job/launched_ranks.h"

namespace pisr {

std::unique_ptr<Communicator> open_communicator() {
  const int launched = launched_ranks();
  if (launched > 1) {
    throw Error(ErrorKind::usage,
                message("this is one of ", launched,
                        " processes of a job, but this build has no MPI to join them"),
                "build with PISR_MPI=ON, or set the environment variable PISR_MPI to off for "
                "programs that have nothing to do with each other");
  }
  return nullptr;
}

}  // namespace pisr
