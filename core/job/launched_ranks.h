#pragma once

namespace pisr {

/// How many processes the mpirun or srun that has started this one says it started: it says so in
/// environment variables. 1 where nothing is said, and where PISR_MPI=off makes each process of a
/// job a program of its own.
int launched_ranks();

}  // namespace pisr
