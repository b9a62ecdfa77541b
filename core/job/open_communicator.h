#pragma once

#include <memory>

#include "core/communicator.h"

namespace pisr {

/// The processes that one mpirun or srun has started, this one among them; null where this process
/// is alone (launched_ranks() is 1), which then touches no network. To be called once in a process,
/// by the thread that uses it.
///
/// A program is linked with one of two: core/mpi, or core/no_mpi in a build without MPI. Throws
/// Error(usage) where several processes were started that cannot meet: the build has no MPI, or
/// another one than the mpirun. Throws Error(device) where MPI does not start.
std::unique_ptr<Communicator> open_communicator();

}  // namespace pisr
